"""Tests the regression in blocks against scikit-learn's, and the moments against NumPy's."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from regraft.training.heads import probe as probe_module
from regraft.training.heads import streamed as module
from regraft.training.heads.probe import Labelled, fit_probe
from regraft.training.heads.streamed import Streamed, blocks, moments


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 37)


def rows(classes: int) -> Labelled:
    generator = np.random.default_rng(classes)
    labels = np.arange(300) % classes
    centres = generator.normal(0, 1, (classes, 6))
    features = 5 + centres[labels] + generator.normal(0, 1, (300, 6))
    return Labelled(features.astype(np.float32), labels.astype(np.int64))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_solution_is_that_of_scikit_learn(
    classes: int, weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STILL", 1e-6)
    train = rows(classes)
    shift, scale = np.full(6, 5, np.float32), np.full(6, 0.5, np.float32)
    weights = np.linspace(0.5, 2, 300).astype(np.float32) if weighted else None
    oracle = LogisticRegression(C=0.1, tol=1e-8, max_iter=1000)
    oracle.fit((train.features - shift) * scale, train.labels, sample_weight=weights)
    weight, bias = Streamed(train.features, train.labels, shift, scale, 0.1, weights).solve()
    np.testing.assert_allclose(weight, oracle.coef_, atol=5e-4)
    np.testing.assert_allclose(bias - bias.mean() * (len(bias) > 1), oracle.intercept_, atol=5e-4)


@pytest.mark.parametrize("weights", [None, np.array([1.0, 0.0, 3.0], np.float32)])
def test_a_probe_on_many_features_is_the_probe_on_few(
    weights: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = rows(3)
    few = fit_probe(train, 4, weights=None if weights is None else np.append(weights, 0))
    monkeypatch.setattr(probe_module, "AT_ONCE", 10)
    many = fit_probe(train, 4, weights=None if weights is None else np.append(weights, 0))
    found = [each.logits(train.features)[:, :3] for each in (few, many)]
    np.testing.assert_allclose(found[0], found[1], atol=0.05)
    assert (found[0].argmax(axis=1) == found[1].argmax(axis=1)).mean() > 0.99


def test_moments_are_those_of_numpy() -> None:
    features = rows(3).features * 1e3
    mean, deviation = moments(features)
    np.testing.assert_allclose(mean, features.mean(axis=0, dtype=np.float64))
    np.testing.assert_allclose(deviation, features.std(axis=0, dtype=np.float64))


def test_every_row_is_in_a_block() -> None:
    features = rows(2).features
    found = list(blocks(features))
    assert max(map(len, found)) == 37
    np.testing.assert_array_equal(np.concatenate(found), features)
