"""Tests covariances and the map from one to another."""

import numpy as np
import pytest

from regraft.adaptation.moments import covariance, recolouring
from tests import two_domains


def test_weights_count_as_copies_of_rows() -> None:
    features = two_domains.wide(6, 0).features
    times = np.array([1, 2, 1, 3, 1, 1])
    weighted = covariance(features, times.astype(np.float32))
    assert weighted == pytest.approx(covariance(np.repeat(features, times, axis=0)), abs=1e-6)


def test_recoloured_rows_have_the_other_covariance() -> None:
    source, target = two_domains.wide(300, 0).features, two_domains.wide(300, 1).features
    target = target @ np.random.default_rng(0).standard_normal((6, 6)).astype(np.float32)
    turn = recolouring(covariance(source), covariance(target), ridge=1e-9)
    found = covariance((source @ turn).astype(np.float32))
    assert found == pytest.approx(covariance(target), abs=1e-3)


def test_a_large_ridge_changes_nothing() -> None:
    source, target = two_domains.wide(50, 0).features, two_domains.wide(50, 1).features
    turn = recolouring(covariance(source), covariance(target), ridge=1e6)
    assert turn == pytest.approx(np.eye(6), abs=1e-4)
