"""Accuracy from confidence: by hand, and where it has to be right."""

import numpy as np
import pytest

from regraft.adaptation.shifting.confidence import (
    confidence_difference,
    negative_entropy,
    thresholded,
)


def test_the_score_is_minus_the_entropy() -> None:
    found = negative_entropy(np.array([[0.5, 0.5], [1.0, 0.0], [0.9, 0.1]]))
    assert found == pytest.approx([-np.log(2), 0, 0.9 * np.log(0.9) + 0.1 * np.log(0.1)])


def test_the_threshold_leaves_as_many_known_rows_below_as_are_wrong() -> None:
    known, right = np.array([0.1, 0.4, 0.6, 0.9]), np.array([True, False, True, True])
    assert thresholded(known, right, asked=known) == 0.75
    # One of four is wrong, so the threshold lies between 0.1 and 0.4.
    assert thresholded(known, right, asked=np.array([0.0, 0.2, 0.3, 0.9])) == 0.5


@pytest.mark.parametrize(("right", "expected"), [(True, 1.0), (False, 0.0)])
def test_where_all_answers_are_right_or_none(right: bool, expected: float) -> None:
    known = np.array([0.3, 0.5, 0.8])
    assert thresholded(known, np.full(3, right), asked=known) == expected


def test_accuracy_falls_as_confidence_does() -> None:
    known, right = np.array([0.8, 1.0]), np.array([True, True])
    assert confidence_difference(known, right, asked=np.array([0.6, 0.7])) == pytest.approx(0.75)
    assert confidence_difference(known, ~right, asked=np.array([0.1])) == 0
