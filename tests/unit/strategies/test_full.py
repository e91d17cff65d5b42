"""Tests that full fine-tuning is one phase with one rate for all blocks."""

import pytest

from regraft.strategies.full import Full
from tests.tiny_sessions import facts, grafted, spliced


def test_everything_moves_at_one_rate_from_the_first_step() -> None:
    (phase,) = Full().phases(spliced(grafted("text")), facts("text", epochs=4, rate=0.01))
    assert (phase.name, phase.line, phase.epochs, phase.head_rate) == ("full", 0, 4, 0.01)
    assert phase.rates == pytest.approx((0.01,) * 3)


def test_blocks_that_must_stay_frozen_stay_frozen() -> None:
    (phase,) = Full().phases(spliced(grafted("text")), facts("text", start_line=2, rate=0.01))
    assert phase.line == 2
    assert phase.rates == pytest.approx((0, 0, 0.01))
