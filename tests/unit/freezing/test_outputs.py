"""Tests distances of blocks' outputs: nothing moved, one block moved, by hand."""

from dataclasses import replace

import pytest
import torch

from regraft.freezing.cost import block_flops
from regraft.freezing.line import move_line
from regraft.freezing.outputs import Outputs
from tests.tiny_sessions import KINDS, SIDE, example, grafted, spliced


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_moved_gives_nought_and_leaves_the_mode(kind: str) -> None:
    network = grafted(kind, dropout=0.3)
    network.train()
    found = Outputs(spliced(network), example(kind))
    assert found.distances() == [0.0, 0.0, 0.0]
    assert network.trunk.training
    assert all(module.training for module in network.trunk.modules())


def test_what_stands_still_in_training_does_so_afterwards() -> None:
    network = grafted("text", dropout=0.3)
    chain = spliced(network)
    move_line(network, replace(chain, unsteady=frozenset({""})), line=1)
    before = [module.training for module in network.modules()]
    Outputs(chain, example("text"))
    block_flops(chain, example("text"))
    assert [module.training for module in network.modules()] == before
    assert any(before)
    assert not all(before)


def test_a_moved_block_changes_its_own_outputs_and_those_above() -> None:
    network = grafted("image")
    found = Outputs(spliced(network), example("image"))
    with torch.no_grad():
        network.get_parameter("trunk.middle.1.bias").add_(0.1)
    below, own, above = found.distances()
    assert below == 0.0
    assert own > 0
    assert above > 0


def test_the_distance_is_that_of_all_numbers_together() -> None:
    network = grafted("image")
    # A norm's bias far above nought passes the ReLU as it is: every pixel moves by 3.
    with torch.no_grad():
        network.get_parameter("trunk.top.1.bias").fill_(100.0)
    found = Outputs(spliced(network), example("image"))
    with torch.no_grad():
        network.get_parameter("trunk.top.1.bias").add_(3.0)
    numbers = 2 * 16 * SIDE * SIDE
    assert found.distances()[2] == pytest.approx(3 * numbers**0.5, rel=1e-4)


@pytest.mark.usefixtures("no_doubles")
def test_a_device_without_doubles_will_do() -> None:
    network = grafted("image")
    assert Outputs(spliced(network), example("image")).distances() == [0.0, 0.0, 0.0]
