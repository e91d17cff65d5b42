"""Tests the bounds that all options have."""

from dataclasses import dataclass, field
from math import inf, nan

import pytest

from regraft.adaptation.numbers import wrong_numbers
from regraft.adaptation.residual import Pace


@dataclass(frozen=True)
class Made:
    """Has one option of each kind."""

    count: int = 1
    rate: float = 0.0
    on: bool = False
    word: str = ""
    shares: tuple[float, ...] = (0.5, 0.0)
    pace: Pace = field(default_factory=Pace)


def test_usual_values_are_fine_and_so_is_what_has_no_options() -> None:
    assert wrong_numbers(Made(), "made") == []
    assert wrong_numbers(object(), "made") == []


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (Made(count=0), "made:count=0 (expected: a number from 1 to 1,000,000)"),
        (Made(rate=-1.0), "made:rate=-1.0 (expected: a number from 0 to 1e+30)"),
        (Made(rate=1e31), "made:rate=1e+31 (expected: a number from 0 to 1e+30)"),
        (Made(rate=inf), "made:rate=inf (expected: a number from 0 to 1e+30)"),
        (Made(rate=nan), "made:rate=nan (expected: a number from 0 to 1e+30)"),
        (Made(shares=(0.5, -0.5)), "made:shares=-0.5 (expected: a number from 0 to 1e+30)"),
        (Made(pace=Pace(steps=0)), "made:steps=0 (expected: a number from 1 to 1,000,000)"),
    ],
)
def test_numbers_out_of_bounds_are_told(made: Made, words: str) -> None:
    assert wrong_numbers(made, "made") == [words]
