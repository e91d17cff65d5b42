"""Splicing merges positions with nothing between them and works in any mode."""

import pytest
import torch
from torch import nn

from regraft.backbones.chain import Chain
from regraft.backbones.splice import splice
from regraft.errors import BackboneError

PIXELS = (torch.rand(4, 3, generator=torch.Generator().manual_seed(1)),)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """The same weights each time: a layer that is dead by chance is no position."""
    torch.manual_seed(0)


def names(chain: Chain) -> list[str]:
    return [position.name for position in chain.positions]


def test_of_positions_without_parameters_between_them_the_last_is_kept() -> None:
    network = nn.Sequential(
        nn.Identity(), nn.Linear(3, 3), nn.ReLU(), nn.Tanh(), nn.Linear(3, 3), nn.ReLU()
    )
    assert names(splice(network, PIXELS)) == ["input", "3", "output"]


def test_dropout_stays_above_the_cut_and_does_not_disturb_the_tests() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Dropout(0.5), nn.Linear(3, 3))
    assert names(splice(network.train(), PIXELS)) == ["input", "1", "output"]


def test_dropout_within_a_unit_does_not_disturb_the_tests() -> None:
    def unit() -> nn.Module:
        return nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))

    network = nn.Sequential(nn.Sequential(unit(), unit()), nn.Linear(3, 3)).train()
    assert names(splice(network, PIXELS)) == ["input", "0.0", "0", "output"]


def test_a_network_without_parameters_has_two_positions() -> None:
    chain = splice(nn.Sequential(nn.ReLU(), nn.Tanh()), PIXELS)
    assert names(chain) == ["input", "output"]
    assert chain.blocks[0].parameters == ()
    assert chain.blocks[0].name == "output"


def test_tied_parameters_are_listed_once_in_the_last_block_that_reads_them() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3), nn.ReLU())
    network[2].weight = network[0].weight
    chain = splice(network, PIXELS)
    assert [block.parameters for block in chain.blocks] == [
        ("0.bias",),
        ("0.weight", "2.bias"),
    ]
    assert chain.positions[1].borrowed == ("0.weight",)


def test_blocks_of_one_unit_have_names_of_their_own() -> None:
    layers = {name: nn.Linear(8, 8) for name in ("stem", "top", "last")}
    layers["last"].weight = layers["top"].weight
    network = nn.Sequential()
    for name, layer in layers.items():
        network.add_module(name, nn.Sequential(layer, nn.ReLU()))
    chain = splice(network, (torch.rand(2, 8),))
    assert [block.name for block in chain.blocks] == ["stem", "top", "top (2)"]


def test_a_layer_called_twice_is_no_position_and_none_lies_between_its_calls() -> None:
    layer = nn.Linear(3, 3)
    network = nn.Sequential(nn.Linear(3, 3), layer, nn.ReLU(), layer)
    assert names(splice(network, PIXELS)) == ["input", "0", "output"]


def test_inner_positions_are_offered_on_request_and_marked() -> None:
    unit = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    network = nn.Sequential(nn.Sequential(unit, nn.Linear(3, 3)), nn.Linear(3, 3))
    inner = splice(network, PIXELS, inner=True)
    assert names(splice(network, PIXELS)) == ["input", "0.0", "0", "output"]
    assert [(p.name, p.block_level) for p in inner.positions] == [
        ("input", True),
        ("0.0.0", False),
        ("0.0", True),
        ("0", True),
        ("output", True),
    ]


def test_an_example_that_is_no_batch_is_refused() -> None:
    with pytest.raises(BackboneError, match="0 tensors"):
        splice(nn.Linear(3, 3), ())
