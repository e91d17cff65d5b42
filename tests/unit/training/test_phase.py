"""Tests rates by layer, and a phase as plain data."""

import pytest

from regraft.freezing.patterns import above_of
from regraft.training.phase import Phase, describe, layerwise_rates
from tests.tiny_sessions import grafted, spliced


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


def test_a_phase_that_trains_the_head_alone_says_so() -> None:
    chain = spliced(grafted("image"))
    found = describe(Phase("head", 3, 1, 0.1, (0.0,) * 3), chain, head_parameters=34)
    assert [group["name"] for group in found["groups"]] == ["head"]
    assert (found["line"], found["trained"]) == (3, 34)
