"""Tests heads without training against their definitions."""

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid

from regraft.training.heads.probe import ABSENT, Labelled, standard_scale
from regraft.training.heads.prototypes import class_means, class_names


def rows(seed: int, classes: int = 3) -> Labelled:
    generator = np.random.default_rng(seed)
    labels = np.arange(60) % classes
    centres = np.random.default_rng(9).normal(0, 2, (classes, 5))
    features = centres[labels] + generator.normal(0, 1, (60, 5))
    return Labelled(features.astype(np.float32), labels.astype(np.int64))


def test_the_nearest_mean_is_that_of_scikit_learn() -> None:
    train, other = rows(1), rows(2)
    probe = class_means(train, 3)
    shift, scale = train.features.mean(axis=0), standard_scale(train.features)
    oracle = NearestCentroid().fit((train.features - shift) * scale, train.labels)
    expected = oracle.predict((other.features - shift) * scale)
    assert probe.logits(other.features).argmax(axis=1).tolist() == expected.tolist()


def test_by_hand_a_row_midway_is_undecided() -> None:
    train = Labelled(np.array([[1.0], [3.0]], np.float32), np.array([0, 1]))
    probe = class_means(train, 2)
    low, high = probe.logits(np.array([[2.0]], np.float32))[0]
    assert low == pytest.approx(high, abs=1e-5)
    assert probe.logits(np.array([[1.2]], np.float32)).argmax() == 0


def test_a_class_without_rows_is_never_named() -> None:
    train = rows(1)
    probe = class_means(train, 4)
    assert probe.bias[3] == ABSENT
    assert probe.logits(train.features).argmax(axis=1).max() == 2


def test_how_sure_the_answers_are_comes_from_rows_not_used_for_the_means() -> None:
    train, val = rows(1), rows(2)
    shuffled = Labelled(val.features, np.roll(val.labels, 1))
    sure, unsure = class_means(train, 3, val=val), class_means(train, 3, val=shuffled)
    assert np.abs(sure.weight).max() > np.abs(unsure.weight).max()


def test_names_are_compared_by_their_cosine_and_labels_are_not_asked() -> None:
    features = rows(1).features
    names = np.random.default_rng(3).normal(0, 1, (3, 5)).astype(np.float32)
    probe = class_names(features, names)
    shift, scale = features.mean(axis=0), standard_scale(features)
    seen, named = (features - shift) * scale, (names - shift) * scale
    cosines = seen @ (named / np.linalg.norm(named, axis=1, keepdims=True)).T
    found = probe.logits(features)
    assert found.argmax(axis=1).tolist() == cosines.argmax(axis=1).tolist()
    assert found.std() == pytest.approx(1, rel=1e-4)


def test_a_class_without_rows_is_not_named_for_rows_that_are_far_from_all_means() -> None:
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 3
    # Wide features, means far apart: -s/2 · |mean|² is far below any fixed bias.
    features = np.eye(3, 200)[labels] * 40 + generator.normal(0, 1, (60, 200))
    train = Labelled(features.astype(np.float32), labels.astype(np.int64))
    probe = class_means(train, 4)
    others = generator.normal(0, 50, (500, 200)).astype(np.float32)
    logits = probe.logits(np.concatenate([train.features, others]))
    assert logits[:, :3].max(axis=1).min() > -1e-2
    assert set(logits.argmax(axis=1)) == {0, 1, 2}
    assert np.isfinite(probe.bias).all()


def test_the_mean_logit_over_the_training_labels_is_nought() -> None:
    train = rows(1)
    logits = class_means(train, 3).logits(train.features)
    assert logits[:, train.labels].mean(axis=1) == pytest.approx(np.zeros(60), abs=1e-4)
