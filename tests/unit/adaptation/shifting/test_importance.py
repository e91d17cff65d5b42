"""Importance weights: a ratio that is known, and accuracy where the target lies."""

import numpy as np
import pytest

from regraft.adaptation.shifting.importance import (
    LEAST,
    MOST,
    density_ratios,
    effective_share,
    weighted_accuracy,
)


def test_the_log_ratio_of_two_gaussians_is_a_line() -> None:
    generator = np.random.default_rng(0)
    source = generator.standard_normal((2000, 1)).astype(np.float32)
    target = (generator.standard_normal((1000, 1)) + 0.7).astype(np.float32)
    found = np.log(density_ratios(source, target, seed=0))
    # log p_T / p_S = 0.7 x − 0.245; the penalty makes it less steep, and as the intercept has
    # none, a flat one crosses 0 at the mean of all rows, 0.7 / 3.
    slope, height = np.polyfit(source[:, 0], found, 1)
    assert 0.15 < slope < 0.7
    assert -height / slope == pytest.approx(0.7 / 3, abs=0.03)
    assert np.corrcoef(source[:, 0], found)[0, 1] > 0.99


def test_domains_without_overlap_have_bounded_weights() -> None:
    source = np.random.default_rng(1).standard_normal((300, 40)).astype(np.float32)
    found = density_ratios(source, source + 9, seed=0)
    assert found.min() >= LEAST
    assert found.max() <= MOST


def test_rows_that_weigh_more_count_more() -> None:
    right = np.array([True, False, True])
    assert weighted_accuracy(right, np.array([1.0, 2.0, 1.0])) == 0.5
    assert weighted_accuracy(right, np.ones(3)) == pytest.approx(2 / 3)


def test_the_effective_share_by_hand() -> None:
    assert effective_share(np.ones(4)) == 1
    assert effective_share(np.array([3.0, 1.0])) == pytest.approx(16 / 20)
