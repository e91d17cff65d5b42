"""Tests the rates of small phases, worked by hand."""

import pytest

from regraft.training.phase import Phase, Schedule
from regraft.training.schedule import Clock, rate_share


def shares(schedule: Schedule, warmup: float, steps: int) -> list[float]:
    phase = Phase("tune", 0, 1, 1.0, (), warmup=warmup, schedule=schedule)
    return [rate_share(phase, step, steps=steps) for step in range(steps)]


def test_a_linear_fall_from_the_first_step_is_worked_by_hand() -> None:
    assert shares("linear", 0.0, 4) == pytest.approx([1, 0.75, 0.5, 0.25])


def test_a_rise_over_two_of_six_steps_is_worked_by_hand() -> None:
    assert shares("linear", 1 / 3, 6) == pytest.approx([1 / 3, 2 / 3, 1, 0.75, 0.5, 0.25])


def test_a_cosine_fall_is_worked_by_hand() -> None:
    half = 0.5 + 0.5 * 0.5**0.5
    assert shares("cosine", 0.0, 4) == pytest.approx([1, half, 0.5, 1 - half])


def test_a_constant_rate_stays_after_its_rise() -> None:
    assert shares("constant", 0.25, 4) == pytest.approx([0.5, 1, 1, 1])


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
@pytest.mark.parametrize("steps", [1, 2, 7, 100])
def test_no_step_is_wasted_on_a_rate_of_zero(schedule: Schedule, steps: int) -> None:
    assert all(0 < share <= 1 for share in shares(schedule, 0.06, steps))


def test_a_clock_without_an_end_says_nothing() -> None:
    assert Clock().step(1e9, steps=100) == 0


def test_a_clock_tells_the_step_that_is_due() -> None:
    clock = Clock(start=100.0, end=110.0)
    assert [clock.step(now, steps=40) for now in (100.0, 102.5, 105.0, 110.0, 120.0)] == [
        *(0, 10, 20, 40, 40)
    ]


def test_a_clock_that_is_gone_on_with_starts_where_it_was() -> None:
    clock = Clock(start=100.0, end=110.0, at=20)
    assert [clock.step(now, steps=40) for now in (100.0, 105.0, 110.0)] == [20, 30, 40]


def test_no_time_at_all_is_the_end() -> None:
    assert Clock(start=100.0, end=90.0).step(100.1, steps=40) == 40
