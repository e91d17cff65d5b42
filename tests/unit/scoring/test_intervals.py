"""Tests intervals against textbook values and what a bootstrap must do."""

import numpy as np
import pytest

from regraft.scoring import intervals
from regraft.scoring.intervals import (
    around,
    bootstrap,
    paired_difference,
    resamples,
    student,
    wilson,
)


def mean_of(values: np.ndarray) -> tuple[float, float]:
    return bootstrap(len(values), lambda sample: values[sample].mean(axis=1))


def test_wilson_gives_the_textbook_interval() -> None:
    # Brown, Cai and DasGupta 2001, "Interval Estimation for a Binomial Proportion".
    found = wilson(5, 20)
    assert (found.value, found.low, found.high) == pytest.approx((0.25, 0.1119, 0.4687), abs=1e-4)


def test_wilson_solves_the_score_equation_at_both_ends() -> None:
    found = wilson(37, 50)
    for end in (found.low, found.high):
        gap = (found.value - end) ** 2
        assert gap == pytest.approx(intervals.Z**2 * end * (1 - end) / 50)


@pytest.mark.parametrize(("right", "rows"), [(0, 10), (10, 10), (1, 1), (0, 1)])
def test_wilson_stays_in_the_unit_interval_and_has_a_width(right: int, rows: int) -> None:
    found = wilson(right, rows)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.high - found.low > 0.2


def test_wilson_of_no_rows_knows_nothing() -> None:
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0, 1)


def test_the_bootstrap_is_the_same_every_time() -> None:
    values = np.random.default_rng(0).normal(size=50)
    assert mean_of(values) == mean_of(values)


def test_the_bootstrap_of_a_mean_is_about_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(1).normal(size=400)
    error = values.std() / np.sqrt(400)
    low, high = mean_of(values)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_the_interval_shrinks_with_the_rows() -> None:
    values = np.random.default_rng(2).normal(size=3200)
    widths = [high - low for low, high in (mean_of(values[:n]) for n in (50, 400, 3200))]
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


def test_resamples_are_a_thousand_and_the_same_in_any_portions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = np.concatenate(list(resamples(7)))
    monkeypatch.setattr(intervals, "CELLS", 7 * 13)
    portions = list(resamples(7))
    assert max(map(len, portions)) == 13
    assert whole.shape == (1000, 7)
    assert np.array_equal(whole, np.concatenate(portions))


def test_one_row_has_an_interval_without_width() -> None:
    assert mean_of(np.array([0.3])) == pytest.approx((0.3, 0.3))


def test_a_paired_difference_is_that_of_the_means_and_has_its_sign() -> None:
    generator = np.random.default_rng(3)
    second = generator.integers(0, 2, 200).astype(float)
    found = paired_difference(np.minimum(second + (np.arange(200) % 4 == 0), 1), second)
    assert found.value > 0
    assert 0 < found.low < found.value < found.high


def test_a_paired_difference_of_a_model_with_itself_is_nothing() -> None:
    right = np.array([1.0, 0.0, 1.0])
    found = paired_difference(right, right)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_a_paired_interval_is_narrower_than_that_of_unpaired_rows() -> None:
    generator = np.random.default_rng(4)
    hard = generator.normal(size=300)
    found = paired_difference(hard + 0.1 + 0.01 * generator.normal(size=300), hard)
    low, high = mean_of(hard)
    assert found.high - found.low < (high - low) / 10


def test_an_interval_is_widened_to_hold_its_value() -> None:
    assert around(0.1, (0.2, 0.3)).low == 0.1
    assert around(0.4, (0.2, 0.3)).high == 0.4
    assert (around(0.25, (0.2, 0.3)).low, around(0.25, (0.2, 0.3)).high) == (0.2, 0.3)


def test_student_gives_the_interval_worked_by_hand() -> None:
    # Mean 0.9, deviation 0.1, three values; 4.30265 is the table's t for 2 degrees of freedom.
    found = student([0.8, 0.9, 1.0])
    half = 4.30265 * 0.1 / 3**0.5
    assert (found.value, found.low, found.high) == pytest.approx(
        (0.9, 0.9 - half, 0.9 + half), abs=1e-6
    )
    # Of two values it is 12.7062 times half their distance.
    two = student([0.5, 0.7])
    assert (two.high - two.value) == pytest.approx(12.7062 * 0.1, abs=1e-5)


def test_equal_values_have_no_width() -> None:
    found = student([0.25, 0.25, 0.25])
    assert (found.low, found.value, found.high) == (0.25, 0.25, 0.25)
