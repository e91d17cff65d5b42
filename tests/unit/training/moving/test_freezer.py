"""Tests that blocks freeze while training goes on, at the same shares for every schedule."""

from dataclasses import replace

import pytest

from regraft.freezing.patterns import above_of
from regraft.freezing.rest import Rest
from regraft.freezing.threshold import CHECKS, Rule, RuleName
from regraft.training.aligning.alignment import Alignment
from regraft.training.loop import work
from regraft.training.moving.freezer import freezer_for
from regraft.training.phase import Phase
from tests.contracts.test_strategies import verified
from tests.tiny_sessions import (
    KINDS,
    Size,
    elsewhere_examples,
    grafted,
    options,
    session,
    without_labels,
)

TUNE = Phase("tune", 0, 4, 5e-3, (5e-3,) * 3, warmup=0.0)
MANY = Size(train=160)
SCHEDULES = ("constant", "linear", "cosine")


def frozen_at(schedule: str, rule: Rule) -> dict[int, float]:
    """Returns the share of the integrated rate at which each block froze."""
    made = session("image", options(threshold=rule), size=MANY)
    work(made, [replace(TUNE, schedule=schedule)])  # type: ignore[arg-type]
    assert all(stretch.holds for stretch in made.stretches)
    return {n: check.share for check in made.ledger.checks for n in check.frozen}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_clock_strikes_at_its_share(schedule: str) -> None:
    found = frozen_at(schedule, Rule(0.5, "clock"))
    assert set(found) == {0, 1, 2}
    assert all(0.5 <= share < 0.5 + 2 / 32 for share in found.values())


@pytest.mark.parametrize("name", ["left", "rested", "staggered", "outputs", "gradient"])
def test_what_is_measured_decides(name: RuleName) -> None:
    assert set(frozen_at("linear", Rule(1e9, name))) == {0, 1, 2}
    if name != "outputs":  # which may turn back, and then count as settled
        assert frozen_at("linear", Rule(1e-9, name)) == {}


def test_staggered_blocks_freeze_one_after_the_other() -> None:
    found = frozen_at("linear", Rule(1e9, "staggered"))
    assert found[0] < found[1] < found[2] < found[0] + 4 / CHECKS


@pytest.mark.parametrize("value", [0.5, 0.25])
@pytest.mark.parametrize("kind", KINDS)
def test_the_schedule_leaves_no_trace(kind: str, value: float) -> None:
    """The same blocks freeze within two checks of each other, in units of integrated rate.

    A rate that falls to nought has half the sum of a constant one of the same peak.
    """
    found = []
    for schedule, peak in (("constant", 5e-4), ("linear", 1e-3), ("cosine", 1e-3)):
        made = session(kind, options(threshold=Rule(value)), size=MANY)
        phase = replace(TUNE, rates=(peak,) * made.top, head_rate=peak)
        work(made, [replace(phase, schedule=schedule)])  # type: ignore[arg-type]
        found.append({n: check.share for check in made.ledger.checks for n in check.frozen})
    assert set(found[0]) == {0, 1, 2}
    for other in found[1:]:
        assert all(abs(other[n] - found[0][n]) <= 2.01 / CHECKS for n in found[0])


def test_what_was_read_of_gradients_is_their_share() -> None:
    made = session("image", options(threshold=Rule(1e-9, "gradient")), size=MANY)
    work(made, [TUNE])
    for check in made.ledger.checks:
        assert sum(reading.left or 0.0 for reading in check.readings) == pytest.approx(3.0)


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


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_comes_to_rest_where_it_was_on_average_and_the_proof_sees_it(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[frozenset[int]] = []
    moved: list[float] = []
    real = Rest.settle

    def settle(self: Rest, blocks: frozenset[int], *, but: frozenset[str]) -> None:
        before = [t.clone() for t in self._members[min(blocks)]]
        real(self, blocks, but=but)
        settled.append(blocks)
        pairs = zip(before, self._members[min(blocks)], strict=True)
        moved.append(sum(float((a - b).abs().sum()) for a, b in pairs))

    monkeypatch.setattr(Rest, "settle", settle)
    made = session(kind, options(threshold=Rule(0.5, "rested")), size=MANY)
    work(made, [replace(TUNE, rates=(1e-3,) * made.top, head_rate=1e-3)])
    frozen = [frozenset(check.frozen) for check in made.ledger.checks if check.frozen]
    assert settled == frozen
    assert all(moved)
    assert verified(made) == []


def test_rest_that_touches_what_is_frozen_already_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def settle(self: Rest, blocks: frozenset[int], *, but: frozenset[str]) -> None:
        self._members[0][0].add_(1.0)

    monkeypatch.setattr(Rest, "settle", settle)
    made = session("image", options(threshold=Rule(1e9, "rested")), size=MANY)
    line = replace(TUNE, line=1, rates=(0.0, *(1e-3,) * (made.top - 1)), head_rate=1e-3)
    work(made, [line])
    name = made.chain.blocks[0].name
    assert any(fault.startswith(f"{name}: frozen, and changed") for fault in verified(made))


def test_where_blocks_are_on_average_is_in_a_checkpoint() -> None:
    made = session("image", options(), size=MANY)
    phase = replace(TUNE, rates=(1e-3,) * made.top)
    first, second = (freezer_for(made, phase, rule=Rule(0.1, "rested"), steps=20) for _ in range(2))
    assert first
    assert first.rest
    assert second
    assert second.rest
    first.rest.means[0][0].fill_(7.0)
    first.rest.steps = 9
    second.restore(first.tensors(), first.as_json())
    assert second.rest.steps == 9
    assert second.rest.means[0][0].eq(7.0).all()


@pytest.mark.parametrize("name", ["left", "rested", "staggered", "outputs", "gradient"])
@pytest.mark.parametrize("number", [0, 1])
def test_a_block_frozen_by_a_pattern_holds_none_up(name: RuleName, number: int) -> None:
    word = ("stem", "middle")[number]
    above = above_of(grafted("image").trunk, [word])
    made = session("image", options(threshold=Rule(1e9, name), above=above), size=MANY)
    work(made, [TUNE])
    assert {n for check in made.ledger.checks for n in check.frozen} == {0, 1, 2}
    assert verified(made) == []


@pytest.mark.parametrize("prefix", [True, False])
@pytest.mark.parametrize("position", [1, 2, 3])
def test_what_is_read_at_a_position_stays_above_the_line(position: int, prefix: bool) -> None:
    made = session("image", options(threshold=Rule(1e9, prefix=prefix)), size=MANY)
    made.target = without_labels(elsewhere_examples("image", 40))
    aligned = replace(TUNE, alignment=Alignment("dann", position=position))
    work(made, [aligned])
    frozen = {n for check in made.ledger.checks for n in check.frozen}
    below = set(range(position - 1))
    assert frozen == (below if prefix else {0, 1, 2} - {position - 1})
    assert verified(made) == []


def test_a_pattern_below_a_position_does_not_lift_the_line_over_it() -> None:
    above = above_of(grafted("image").trunk, ["middle"])
    made = session("image", options(threshold=Rule(1e9), above=above), size=MANY)
    made.target = without_labels(elsewhere_examples("image", 40))
    work(made, [replace(TUNE, alignment=Alignment("dann", position=2))])
    assert {n for check in made.ledger.checks for n in check.frozen} == set()


def test_blocks_that_lie_apart_are_all_named() -> None:
    made = session("image", options(threshold=Rule(1e9)), size=MANY)
    freezer = freezer_for(made, TUNE, rule=Rule(1e9), steps=8)
    assert freezer is not None
    names = [block.name for block in made.chain.blocks]
    assert f": {names[0]}, {names[2]} (" in freezer._words(frozenset({0, 2}))
    assert f": {names[0]} to {names[2]} (" in freezer._words(frozenset({0, 1, 2}))
