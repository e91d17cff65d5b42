"""Tests rates by layer, and a phase as plain data."""

import math

import pytest

from regraft.freezing.patterns import above_of
from regraft.strategies.table import make_strategy
from regraft.training.phase import Phase, describe, ended_early, layerwise_rates
from tests.tiny_sessions import facts, grafted, spliced


def test_rates_fall_from_block_to_block_downwards_and_are_zero_below_the_line() -> None:
    chain = spliced(grafted("text"))
    assert layerwise_rates(chain, 0, rate=0.8, decay=0.5) == pytest.approx((0.2, 0.4, 0.8))
    assert layerwise_rates(chain, 2, rate=0.8, decay=0.5) == pytest.approx((0, 0, 0.8))
    assert layerwise_rates(chain, 3, rate=0.8, decay=0.5) == (0, 0, 0)


def test_a_phase_is_described_with_what_it_trains() -> None:
    chain = spliced(grafted("image"))
    sizes = [block.size for block in chain.blocks]
    found = describe(Phase("tune", 1, 2, 0.1, (0, 0.02, 0.03)), chain, head_parameters=34)
    assert [group["name"] for group in found["groups"]] == ["middle", "top", "head"]
    assert [group["lr"] for group in found["groups"]] == [0.02, 0.03, 0.1]
    assert found["trained"] == sizes[1] + sizes[2] + 34
    assert found["share"] == pytest.approx((sizes[1] + sizes[2] + 34) / (sum(sizes) + 34))


def test_what_is_frozen_above_the_line_is_not_counted_as_trained() -> None:
    network = grafted("image")
    chain = spliced(network)
    known = Phase("tune", 1, 2, 0.1, (0, 0.02, 0.03))
    found = describe(known, chain, head_parameters=34, above=above_of(network.trunk, ["norm"]))
    weights = [3 * 3 * 8 * 8 + 8, 3 * 3 * 8 * 16 + 16]
    assert [group["parameters"] for group in found["groups"]] == [*weights, 34]
    assert found["trained"] == sum(weights) + 34


@pytest.mark.parametrize(("share", "told"), [(1.0, 3), (0.5, 2.5)])
def test_a_phase_tells_the_passes_that_are_taken(share: float, told: float) -> None:
    chain = spliced(grafted("image"))
    phase = Phase("tune", 1, 3, 0.1, (0, 0.02, 0.03), last_pass=share)
    assert repr(describe(phase, chain, head_parameters=34)["epochs"]) == repr(told)


def test_a_phase_that_trains_the_head_alone_says_so() -> None:
    chain = spliced(grafted("image"))
    found = describe(Phase("head", 3, 1, 0.1, (0.0,) * 3), chain, head_parameters=34)
    assert [group["name"] for group in found["groups"]] == ["head"]
    assert (found["line"], found["trained"]) == (3, 34)
    assert "solved" not in found


@pytest.mark.parametrize(("line", "solved"), [(3, True), (2, False)])
def test_a_linear_head_alone_is_solved_and_beside_a_block_it_is_not(
    line: int, *, solved: bool
) -> None:
    rates = tuple(0.1 * (number >= line) for number in range(3))
    chain = spliced(grafted("image"))
    found = describe(Phase("head", line, 1, 0.1, rates), chain, head_parameters=34, linear=True)
    assert found.get("solved", False) == solved


@pytest.mark.parametrize(
    ("name", "epochs", "passes"),
    [
        ("two-stage", 2.5, [2.5]),
        ("two-stage", 0.25, [0.25]),
        ("two-stage", 1e-7, [1e-6]),
        ("contrastive", 1e-7, [1e-6]),
        ("gradual", 2.5, [1, 1, 0.5]),
        ("gradual:stages=2", 4.5, [2, 2.5]),
        ("contrastive", 2.5, [7.5]),
        ("contrastive", 2 + 1 / 3, [7]),
        ("contrastive:times=1", 2.5, [2.5]),
        ("sequential", 2.5, [3, 2.5]),
        ("sequential:final_target=yes", 2.5, [3, 3, 0.5]),
        ("full", 3.0, [3]),
    ],
)
def test_a_part_of_a_pass_is_taken_off_the_last_phase_that_moves_the_trunk(
    name: str, epochs: float, passes: list[float]
) -> None:
    chain = spliced(grafted("image"))
    planned = make_strategy(name).phases(chain, facts("image", epochs=math.ceil(epochs)))
    found = ended_early(planned, top=chain.top, epochs=epochs)
    moving = [phase for phase in found if phase.line < chain.top]
    assert [phase.passes for phase in moving] == pytest.approx(passes)
    assert all(0 < phase.last_pass <= 1 for phase in found)
    assert [phase.name for phase in found] == [phase.name for phase in planned]


def test_where_the_head_alone_moves_no_pass_ends_early() -> None:
    chain = spliced(grafted("image"))
    planned = make_strategy("head").phases(chain, facts("image"))
    assert ended_early(planned, top=chain.top, epochs=0.5) == planned
