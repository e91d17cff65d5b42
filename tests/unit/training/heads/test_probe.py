"""Tests the linear probe against scikit-learn and its edge cases."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from regraft.scoring.metrics import softmax
from regraft.training.heads.probe import (
    STRENGTHS,
    USUAL_STRENGTH,
    Labelled,
    LinearProbe,
    fit_probe,
    standard_scale,
)


def some(rows: int = 90, classes: int = 3, seed: int = 0) -> Labelled:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, rows)
    centres = np.random.default_rng(5).normal(size=(classes, 6))
    features = 10 + 4 * (generator.normal(size=(rows, 6)) + centres[labels])
    return Labelled(features.astype(np.float32), labels)


def answers(probe: LinearProbe, rows: Labelled) -> np.ndarray:
    return softmax(probe.logits(rows.features))


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_scikit_learn(classes: int) -> None:
    train, others = some(classes=classes), some(classes=classes, seed=1)
    scaler = StandardScaler().fit(train.features)
    model = LogisticRegression(C=USUAL_STRENGTH, max_iter=1000, tol=1e-6)
    model.fit(scaler.transform(train.features), train.labels)
    wanted = model.predict_proba(scaler.transform(others.features))
    assert answers(fit_probe(train, classes), others) == pytest.approx(wanted, abs=2e-3)


def test_two_classes_have_a_row_each() -> None:
    probe = fit_probe(some(classes=2), 2)
    assert probe.weight.shape == (2, 6)
    assert np.array_equal(probe.weight[0], -probe.weight[1])


def test_weights_count_as_that_many_rows() -> None:
    train = some(60, classes=2)
    doubled = np.concatenate([train.features, train.features[train.labels == 1]])
    labels = np.concatenate([train.labels, train.labels[train.labels == 1]])
    weighted = fit_probe(train, 2, weights=np.array([1, 2], np.float32))
    scaler = StandardScaler().fit(train.features)
    model = LogisticRegression(C=USUAL_STRENGTH, max_iter=1000, tol=1e-6)
    model.fit(scaler.transform(doubled), labels)
    wanted = model.predict_proba(scaler.transform(train.features))
    assert answers(weighted, train) == pytest.approx(wanted, abs=2e-3)


@pytest.mark.parametrize("absent", [0, 1, 3])
def test_an_absent_class_is_never_predicted_and_has_finite_logits(absent: int) -> None:
    train = some(classes=3)
    present = np.array([k for k in range(4) if k != absent])
    probe = fit_probe(Labelled(train.features, present[train.labels]), 4)
    found = answers(probe, train)
    assert np.isfinite(probe.logits(train.features)).all()
    assert found[:, absent].max() < 1e-6
    wanted = answers(fit_probe(train, 3), train)
    assert found[:, present] == pytest.approx(wanted, abs=1e-6)


def test_rows_of_a_single_class_are_answered_with_it() -> None:
    probe = fit_probe(Labelled(some().features, np.full(90, 2)), 3)
    assert answers(probe, some())[:, 2].min() > 0.999


def test_validation_rows_choose_the_strength() -> None:
    train, val = some(30), some(300, seed=1)
    found = fit_probe(train, 3, val=val)

    def badness(strength: float) -> tuple[float, float]:
        scaler = StandardScaler().fit(train.features)
        model = LogisticRegression(C=strength, max_iter=1000)
        model.fit(scaler.transform(train.features), train.labels)
        probabilities = model.predict_proba(scaler.transform(val.features))
        wrong = (probabilities.argmax(axis=1) != val.labels).mean()
        return float(wrong), float(-np.log(probabilities[np.arange(300), val.labels]).mean())

    assert found.strength == min(STRENGTHS, key=badness)


def test_without_validation_rows_the_usual_strength_is_taken() -> None:
    nothing = Labelled(np.zeros((0, 6), np.float32), np.zeros(0, np.int64))
    assert fit_probe(some(), 3).strength == USUAL_STRENGTH
    assert fit_probe(some(), 3, val=nothing).strength == USUAL_STRENGTH


def test_a_feature_that_never_changes_does_no_harm() -> None:
    train = some()
    features = np.concatenate([train.features, np.full((90, 1), 7, np.float32)], axis=1)
    probe = fit_probe(Labelled(features, train.labels), 3)
    assert np.isfinite(probe.logits(features)).all()
    assert answers(probe, Labelled(features, train.labels)) == pytest.approx(
        answers(fit_probe(train, 3), train), abs=1e-3
    )


def test_a_feature_that_stands_still_is_not_blown_up() -> None:
    features = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    features[:, 2] = 0.25
    scale = standard_scale(features)
    assert scale[2] <= 1.01 / (0.1 * features.std(axis=0).mean())
    assert scale[[0, 1, 3]] == pytest.approx(1 / features[:, [0, 1, 3]].std(axis=0))
