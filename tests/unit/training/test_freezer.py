"""Tests that blocks freeze while training goes on, at the same shares for every schedule."""

from dataclasses import replace

import pytest

from regraft.freezing.threshold import Rule
from regraft.training.freezer import freezer_for
from regraft.training.loop import work
from regraft.training.phase import Phase
from tests.tiny_sessions import Size, options, session

TUNE = Phase("tune", 0, 4, 5e-3, (5e-3,) * 3, warmup=0.0)
MANY = Size(train=160)


def frozen_at(schedule: str, rule: Rule) -> dict[int, float]:
    """Returns the share of the integrated rate at which each block froze."""
    made = session("image", options(threshold=rule), size=MANY)
    work(made, [replace(TUNE, schedule=schedule)])  # type: ignore[arg-type]
    assert all(stretch.holds for stretch in made.stretches)
    return {n: check.share for check in made.ledger.checks for n in check.frozen}


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_a_clock_strikes_at_its_share(schedule: str) -> None:
    found = frozen_at(schedule, Rule(0.5, "clock"))
    assert set(found) == {0, 1, 2}
    assert all(0.5 <= share < 0.5 + 2 / 32 for share in found.values())


def test_what_is_left_decides() -> None:
    assert frozen_at("linear", Rule(1e-9)) == {}
    assert set(frozen_at("linear", Rule(1e9))) == {0, 1, 2}


def test_nothing_freezes_that_has_no_rate() -> None:
    made = session("image", options(threshold=Rule(1e9)), size=MANY)
    work(made, [replace(TUNE, rates=(0.0, 0.0, 0.0))])
    assert len(made.ledger.checks) > 20
    assert [check for check in made.ledger.checks if check.frozen] == []


def test_without_a_rule_nobody_watches() -> None:
    assert freezer_for(session("image"), TUNE, rule=None, steps=10) is None


def test_the_literal_rule_freezes_what_hardly_moves() -> None:
    assert set(frozen_at("constant", Rule(1e9, "literal"))) == {0, 1, 2}
    assert frozen_at("constant", Rule(1e-12, "literal")) == {}
