"""Tests the freeze threshold on journeys worked by hand: drift, random walk, settled."""

import math
from typing import Literal

import pytest
import torch

from regraft.freezing.threshold import (
    AUTO,
    CHECKS,
    FIRST,
    Place,
    Rule,
    Trails,
    due,
    exponent,
    gradient_shares,
    read,
    still_to_come,
)

SHARES = [number / CHECKS for number in range(1, CHECKS + 1)]


def froze_at(power: float, rule: Rule) -> float | None:
    """Returns the share at which a block freezes whose distance grows as s to a power."""
    trails = Trails(rule, [[]])
    for share in SHARES:
        trails.note(share, [share**power])
        if trails.ripe(frozenset()):
            return share
    return None


def by_hand(power: float, value: float) -> float:
    """(1 / s)^p − 1 < τ at s > (1 + τ)^(−1/p); two readings in a row, the first at FIRST."""
    bound = (1 + value) ** (-1 / power) if power > 0 else 0.0
    first = next(i for i, share in enumerate(SHARES) if share > bound and share >= FIRST)
    return SHARES[first + 1]


@pytest.mark.parametrize("value", [0.05, AUTO, 0.25, 0.4])
@pytest.mark.parametrize("power", [0.0, 0.08, 0.25, 0.5])
def test_a_power_law_freezes_where_the_formula_says(power: float, value: float) -> None:
    assert froze_at(power, Rule(value)) == pytest.approx(by_hand(power, value))


def test_a_steady_drift_freezes_in_the_last_stretch_only() -> None:
    found = froze_at(1.0, Rule(AUTO))
    assert found is not None
    assert found > 1 / (1 + AUTO)


def test_a_settled_block_freezes_at_the_second_reading_that_counts() -> None:
    counted = [share for share in SHARES if share >= FIRST]
    assert froze_at(0.0, Rule(AUTO)) == counted[1]


def test_the_exponent_looks_back_by_a_quarter_at_least() -> None:
    trail = [(0.5, 1.0), (0.6, 3.0), (0.7, 9.0)]
    assert exponent(trail) == pytest.approx(math.log(9) / math.log(1.4))
    assert exponent(trail[:2]) is None
    assert exponent([(0.1, 0.0), (0.5, 0.0)]) is None


def test_a_block_that_turns_back_counts_as_settled() -> None:
    assert still_to_come(0.5, -0.7) == 0.0
    assert read([(0.2, 2.0), (0.4, 1.0)]).left == 0.0


def test_one_reading_below_is_not_enough_and_a_streak_is_lost() -> None:
    trails = Trails(Rule(AUTO), [[]])
    distances = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0]
    found = []
    for share, distance in zip(SHARES, distances, strict=False):
        trails.note(share, [distance])
        found.append(list(trails.streaks))
    assert found[5:] == [[0], [1], [0], [0]]


def settled(*ripe: bool, prefix: bool = True) -> Trails:
    """Returns trails of which some are ripe."""
    places: list[list[Place]] = [[] for _ in ripe]
    return Trails(Rule(prefix=prefix), places, [2 if each else 0 for each in ripe])


@pytest.mark.parametrize(
    ("ripe", "frozen", "expected"),
    [
        ((True, True, False, True), (), (0, 1)),
        ((False, True, True), (), ()),
        ((False, True, True), (0,), (1, 2)),
        ((True, True), (), (0, 1)),
        ((True, False), (0,), ()),
    ],
)
def test_a_prefix_waits_for_what_lies_below(
    ripe: tuple[bool, ...], frozen: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert settled(*ripe).ripe(frozenset(frozen)) == frozenset(expected)


def test_any_block_may_freeze_where_that_is_asked_for() -> None:
    assert settled(False, True, True, prefix=False).ripe(frozenset({2})) == frozenset({1})


def test_the_literal_rule_compares_the_update_alone() -> None:
    trails = Trails(Rule(0.5, "literal"), [[], []])
    for share in SHARES[8:10]:
        trails.note(share, [1.0, 1.0], measured=[0.4, 0.6])
    assert trails.ripe(frozenset()) == frozenset({0})


def test_one_block_a_check_where_that_is_asked_for() -> None:
    trails = settled(True, True, False)
    trails.rule = Rule(name="staggered")
    assert trails.ripe(frozenset()) == frozenset({0})
    assert trails.ripe(frozenset({0})) == frozenset({1})
    assert trails.ripe(frozenset({0, 1})) == frozenset()


def test_gradients_are_shared_among_those_that_move() -> None:
    shares = gradient_shares([9.0, 1.0, 2.0], frozen=frozenset({0}))
    assert shares[1:] == pytest.approx([1 / 1.5, 2 / 1.5])
    assert gradient_shares([0.0, 0.0], frozen=frozenset()) == [0.0, 0.0]


@pytest.mark.parametrize("shape", ["constant", "linear", "cosine"])
def test_checks_are_due_as_often_whatever_the_schedule(shape: str) -> None:
    steps = 1000
    curve = {
        "constant": [1.0] * steps,
        "linear": [1 - i / steps for i in range(steps)],
        "cosine": [(1 + math.cos(math.pi * i / steps)) / 2 for i in range(steps)],
    }[shape]
    spent, found = 0.0, 0
    for share in curve:
        after = spent + share / sum(curve)
        found += due(spent, after)
        spent = after
    assert found in (CHECKS - 1, CHECKS)


def test_a_rate_of_nought_gives_no_reading() -> None:
    assert not due(0.5, 0.5)


STEPS = 640
WIDTH = 4000


def gradients(kind: str, step: int, generator: torch.Generator) -> torch.Tensor:
    """Returns the gradient of a synthetic block: steady, of random sign, or at rest."""
    if kind == "drift":
        return torch.ones(WIDTH)
    signs = torch.randint(0, 2, (WIDTH,), generator=generator) * 2.0 - 1.0
    return signs if kind == "walk" or step < STEPS // 10 else torch.zeros(WIDTH)


def journey(kind: str, optimizer: Literal["adamw", "sgd"]) -> list[tuple[float, float]]:
    """Returns the distances of a synthetic block, moved by the optimiser itself."""
    generator = torch.Generator().manual_seed(5)
    block = torch.nn.Parameter(torch.zeros(WIDTH))
    # Without a memory of past gradients: the walk's steps are then independent.
    made: torch.optim.Optimizer = torch.optim.SGD([block], lr=1e-3)
    if optimizer == "adamw":
        made = torch.optim.AdamW([block], lr=1e-3, betas=(0.0, 0.999), weight_decay=0.0)
    found, spent = [], 0.0
    for step in range(STEPS):
        block.grad = gradients(kind, step, generator)
        made.step()
        before, spent = spent, spent + 1 / STEPS
        if due(before, spent):
            found.append((spent, float(block.detach().norm())))
    return found


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize(("kind", "power"), [("drift", 1.0), ("walk", 0.5), ("settled", 0.0)])
def test_a_synthetic_block_freezes_at_the_share_that_the_formula_gives(
    kind: str, power: float, optimizer: Literal["adamw", "sgd"]
) -> None:
    trails = Trails(Rule(AUTO), [[]])
    froze = None
    for share, distance in journey(kind, optimizer):
        trails.note(share, [distance])
        if froze is None and trails.ripe(frozenset()):
            froze = share
    # By hand: drift above 1 / 1.1 = .909, a walk above 1.1^-2 = .826, each a check later.
    assert froze == pytest.approx(by_hand(power, AUTO), abs=1.01 / CHECKS)


@pytest.mark.parametrize(
    ("ripe", "held", "expected"),
    [
        ((False, True, False), {0}, {0, 1}),
        ((True, False, True), {1}, {0, 1, 2}),
        ((True, False, False), {1}, {0}),
        ((False, False, False), {0, 1}, set()),
    ],
)
def test_a_block_that_cannot_move_holds_none_up(
    ripe: tuple[bool, ...], held: set[int], expected: set[int]
) -> None:
    assert settled(*ripe).ripe(frozenset(), held=frozenset(held)) == expected


def test_one_that_cannot_move_freezes_with_the_first_that_can() -> None:
    trails = settled(False, True, True)
    trails.rule = Rule(name="staggered")
    assert trails.ripe(frozenset(), held=frozenset({0})) == {0, 1}
    assert trails.ripe(frozenset({0, 1}), held=frozenset({0})) == {2}
    anywhere = settled(False, True, prefix=False)
    assert anywhere.ripe(frozenset(), held=frozenset({0})) == {1}
