"""Spliced at any position, a network is the whole network: outputs, gradients, statistics."""

import copy
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from regraft.backbones.chain import Chain, call
from regraft.backbones.splice import splice
from tests.contracts.small_networks import NETWORKS, TEXT_NETWORKS, small_network, texts
from tests.contracts.splicing_promise import check_everywhere, distance, leading

POSITIONS = {
    "bert": 4,
    "e5": 5,
    "deberta": 4,
    "modernbert": 4,
    "resnet18": 10,
    "alexnet": 8,
    "efficientnet": 18,
    "mobilenet": 19,
    "vgg": 13,
    "vit": 5,
}
Batch = dict[str, Tensor]


@pytest.fixture(params=sorted(NETWORKS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@cache
def spliced(name: str, *, inner: bool = False) -> tuple[Chain, Batch]:
    """Returns a chain, made once: tests leave its network as it was, but for the mode."""
    network, batch = small_network(name)
    return splice(network, batch, inner=inner), batch


@torch.no_grad()
def check_outputs(chain: Chain, batch: Batch) -> None:
    whole = leading(call(chain.network, batch))
    for index in range(chain.top + 1):
        made = chain.suffix(index, chain.prefix(index, batch), batch=batch)
        assert distance(leading(made), whole) <= 1e-5


@pytest.mark.parametrize("train", [False, True], ids=["eval", "train"])
def test_the_suffix_from_every_position_is_the_whole(name: str, train: bool) -> None:
    chain, batch = spliced(name)
    check_everywhere(chain, batch, train=train)


@pytest.mark.parametrize("name", ["bert", "deberta", "resnet18"])
def test_the_suffix_from_every_inner_position_is_the_whole(name: str) -> None:
    chain, batch = spliced(name, inner=True)
    assert chain.top > POSITIONS[name]
    check_everywhere(chain, batch, train=True)


def test_prefix_and_suffix_make_the_whole_and_nothing_but_blocks_is_cut(name: str) -> None:
    chain, batch = spliced(name)
    assert chain.top == POSITIONS[name]
    assert all(position.block_level for position in chain.positions)
    chain.network.eval()
    check_outputs(chain, batch)


def test_activations_can_be_advanced_from_position_to_position(name: str) -> None:
    chain, batch = spliced(name)
    chain.network.eval()
    with torch.no_grad():
        activation = chain.prefix(0, batch)
        for index in range(chain.top):
            activation = chain.advance(activation, batch, start=index, stop=index + 1)
            assert distance(activation, chain.prefix(index + 1, batch)) <= 1e-5


@pytest.mark.parametrize("rows", [1, 3])
def test_batches_of_other_sizes_than_the_example_fit(name: str, rows: int) -> None:
    chain, _ = spliced(name)
    batches = [NETWORKS[name][1](rows)]
    if name in TEXT_NETWORKS:
        batches.append(texts(rows, 13))
    elif name != "vit":  # which takes one size only
        batches.append(NETWORKS[name][1](rows, 96))
    chain.network.eval()
    for batch in batches:
        check_outputs(chain, batch)


def test_every_parameter_buffer_and_module_is_in_one_block(name: str) -> None:
    chain, _ = spliced(name)
    network = chain.network

    def listed(kind: str) -> list[str]:
        return sorted(item for block in chain.blocks for item in getattr(block, kind))

    assert listed("parameters") == sorted(name for name, _ in network.named_parameters())
    assert listed("buffers") == sorted(name for name, _ in network.named_buffers())
    assert listed("modules") == sorted(name for name, _ in network.named_modules())
    assert sum(block.size for block in chain.blocks) == sum(
        parameter.numel() for parameter in network.parameters()
    )


def condition(network: nn.Module) -> dict[str, Any]:
    """Returns all of a network that must not change, with copies of its tensors."""
    return {
        "state": copy.deepcopy(network.state_dict()),
        "buffers": {name: value.clone() for name, value in network.named_buffers()},
        "modes": [module.training for module in network.modules()],
        "inplace": [getattr(module, "inplace", None) for module in network.modules()],
        "forwards": ["forward" in vars(module) for module in network.modules()],
        "hooks": [
            (len(module._forward_hooks), len(module._forward_pre_hooks))
            for module in network.modules()
        ],
        "moving": [parameter.requires_grad for parameter in network.parameters()],
        "random": torch.get_rng_state(),
    }


def same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def test_the_network_is_left_as_it_was_found(name: str) -> None:
    network, batch = small_network(name)
    network.train()
    next(network.parameters()).requires_grad_(False)
    next(iter(network.children())).eval()
    before = condition(network)
    chain = splice(network, batch)
    assert same(before, condition(network))
    network.eval()
    before = condition(network)
    for index in range(chain.top + 1):
        chain.suffix(index, chain.prefix(index, batch), batch=batch)
    assert same(before, condition(network))


def test_an_error_in_the_suffix_leaves_the_network_as_it_was_found() -> None:
    chain, batch = spliced("alexnet")
    chain.network.eval()
    before = condition(chain.network)
    with pytest.raises(RuntimeError):
        chain.suffix(3, torch.zeros(1), batch=batch)
    assert same(before, condition(chain.network))


def test_tables_of_relative_positions_belong_to_the_last_block_and_are_named() -> None:
    chain, _ = spliced("deberta")
    table = "encoder.rel_embeddings.weight"
    assert table in chain.blocks[-1].parameters
    assert [table in position.borrowed for position in chain.positions] == [
        False,
        False,
        True,
        True,
        False,
    ]


class Skipping(nn.Module):
    """A trunk whose second layer has a connection around it: behind it there is no cut."""

    def __init__(self, *, skip: bool) -> None:
        super().__init__()
        self.stem = nn.Linear(6, 6)
        self.middle = nn.Linear(6, 6)
        self.end = nn.Linear(6, 6)
        self.skip = skip

    def forward(self, pixels: Tensor) -> Tensor:
        stem = self.stem(pixels)
        end: Tensor = self.end(self.middle(stem))
        return end + 0.1 * stem if self.skip else end


def names(chain: Chain) -> list[str]:
    return [position.name for position in chain.positions]


def test_a_false_cut_under_a_skip_connection_is_refused() -> None:
    batch = (torch.randn(2, 6, generator=torch.Generator().manual_seed(0)),)
    assert names(splice(Skipping(skip=False), batch)) == ["input", "stem", "middle", "output"]
    assert names(splice(Skipping(skip=True), batch)) == ["input", "stem", "output"]


def test_the_suffix_is_the_whole_under_autocast_too(name: str) -> None:
    chain, batch = spliced(name)
    chain.network.eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        whole = leading(call(chain.network, batch))
        for index in range(chain.top + 1):
            made = chain.suffix(index, chain.prefix(index, batch), batch=batch)
            assert torch.equal(leading(made), whole)
