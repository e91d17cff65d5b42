"""Tests means by hand, and that a block that freezes is where it was on average."""

import pytest
import torch

from regraft.freezing.rest import EVERY, LATE, Rest
from tests.tiny_sessions import grafted, spliced, state


def worked(values: list[float]) -> tuple[Rest, torch.Tensor]:
    """Returns what watched the first weight of block 1 through these values, and the weight."""
    network = grafted("image")
    chain = spliced(network)
    weight = network.trunk.get_parameter(chain.blocks[1].parameters[0])
    rest = Rest(network.trunk, chain)
    for value in values:
        with torch.no_grad():
            weight.fill_(value)
        for _ in range(EVERY):
            rest.after_step(moving=range(1, len(chain.blocks)))
    return rest, weight


def test_late_steps_weigh_more() -> None:
    rest, weight = worked([4.0, 2.0])
    rest.settle([1])
    # The second look takes (η + 1) / (2 + η) of the way from 4 to 2.
    expected = 4.0 - 2.0 * (LATE + 1) / (LATE + 2)
    torch.testing.assert_close(weight, torch.full_like(weight, expected))


def test_what_stands_still_is_where_it_was_bit_for_bit() -> None:
    rest, weight = worked([0.1] * 7)
    before = weight.clone()
    rest.settle([1])
    assert torch.equal(weight, before)


def test_other_blocks_and_whole_numbers_are_left_alone() -> None:
    network = grafted("image")
    chain = spliced(network)
    rest = Rest(network.trunk, chain)
    with torch.no_grad():
        for parameter in network.trunk.parameters():
            parameter.add_(1.0)
    for _ in range(EVERY):
        rest.after_step(moving=[0, 1])
    before = state(network.trunk)
    with torch.no_grad():
        for parameter in network.trunk.parameters():
            parameter.add_(1.0)
    rest.settle([1])
    after = state(network.trunk)
    own = set(chain.blocks[1].parameters)
    for name in dict(network.trunk.named_parameters()):
        gone = after[name] - before[name]
        assert gone.abs().max().item() == pytest.approx(0.0 if name in own else 1.0, abs=1e-6)
    counted = [n for n, b in network.trunk.named_buffers() if not b.is_floating_point()]
    assert counted
    assert all(torch.equal(after[name], before[name]) for name in counted)


def test_nothing_is_done_before_the_first_look() -> None:
    network = grafted("image")
    chain = spliced(network)
    rest = Rest(network.trunk, chain)
    with torch.no_grad():
        network.trunk.get_parameter(chain.blocks[0].parameters[0]).add_(1.0)
    before = state(network.trunk)
    rest.after_step(moving=[0])
    rest.settle([0])
    assert all(torch.equal(value, before[name]) for name, value in state(network.trunk).items())


def test_what_was_frozen_before_stays_where_it_is() -> None:
    rest, weight = worked([4.0, 2.0])
    chain = spliced(grafted("image"))
    rest.settle([1], but=frozenset(chain.blocks[1].parameters[:1]))
    assert torch.equal(weight, torch.full_like(weight, 2.0))


def test_infinities_of_a_buffer_stay_what_they_are() -> None:
    network = grafted("image")
    chain = spliced(network)
    found = next(b for _, b in network.trunk.named_buffers() if b.is_floating_point())
    found.fill_(-torch.inf)
    rest = Rest(network.trunk, chain)
    for _ in range(EVERY):
        rest.after_step(moving=range(chain.top))
    rest.settle(range(chain.top))
    assert bool((found == -torch.inf).all())
