"""Tests the crossing of learning curves against points worked by hand."""

import pytest

from regraft.scoring.crossing import rows_to_reach

CURVE = [(100.0, 0.6), (1000.0, 0.8), (10_000.0, 0.9)]


@pytest.mark.parametrize(
    ("target", "rows"),
    [
        (0.7, 10**2.5),  # half way in score is half way in the logarithm
        (0.8, 1000.0),
        (0.85, 10**3.5),
        (0.9, 10_000.0),
    ],
)
def test_between_points_the_score_rises_by_the_logarithm_of_the_rows(
    target: float, rows: float
) -> None:
    assert rows_to_reach(CURVE, target) == pytest.approx(rows)


def test_a_curve_that_starts_above_needs_its_fewest_rows_at_most() -> None:
    assert rows_to_reach(CURVE, 0.5) == 100
    assert rows_to_reach(CURVE, 0.6) == 100


def test_a_curve_that_stays_below_never_reaches() -> None:
    assert rows_to_reach(CURVE, 0.91) is None
    assert rows_to_reach([], 0.1) is None


def test_of_a_curve_that_falls_the_first_crossing_counts() -> None:
    assert rows_to_reach([(10, 0.5), (100, 0.7), (1000, 0.6), (10_000, 0.8)], 0.7) == 100
