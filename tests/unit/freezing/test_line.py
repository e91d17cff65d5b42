"""Tests that the line alone decides what may move, and that nobody can undo it."""

import copy

import pytest
import torch
from torch import Tensor, nn

from regraft.backbones.graft import Grafted, make_head
from regraft.freezing.line import frozen_at, move_line
from regraft.freezing.patterns import above_of
from tests.tiny_sessions import KINDS, ConvNet, changed, example, grafted, spliced, state


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("line", [0, 1, 2, 3])
def test_parameters_and_modes_change_together_at_the_line(kind: str, line: int) -> None:
    network = grafted(kind)
    chain = spliced(network)
    parameters, modules = (
        dict(network.trunk.named_parameters()),
        dict(network.trunk.named_modules()),
    )
    for parameter in parameters.values():
        parameter.grad = torch.ones_like(parameter)
    move_line(network, chain, line=line)
    for number, block in enumerate(chain.blocks):
        assert {parameters[n].requires_grad for n in block.parameters} == {number >= line}
        assert all(parameters[n].grad is None for n in block.parameters)
        assert {modules[n].training for n in block.modules} == {number >= line}
    assert all(p.requires_grad for p in network.head.parameters())
    assert network.head.training


@pytest.mark.parametrize("kind", KINDS)
def test_train_called_on_anything_leaves_the_frozen_modules_in_evaluation(kind: str) -> None:
    network = grafted(kind)
    chain = spliced(network)
    modules = dict(network.trunk.named_modules())
    move_line(network, chain, line=2)
    for _ in range(2):
        assert network.train() is network
        for module in modules.values():
            assert module.train(True) is module
        network.eval()
        network.train()
    frozen = {name for block in chain.blocks[:2] for name in block.modules}
    assert {name for name, module in modules.items() if not module.training} == frozen


@pytest.mark.parametrize("kind", KINDS)
def test_thawing_gives_everything_back(kind: str) -> None:
    network = grafted(kind)
    chain = spliced(network)
    move_line(network, chain, line=3)
    move_line(network, chain, line=0)
    assert all(module.training for module in network.modules())
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert not any("train" in vars(module) for module in network.modules())


def test_moving_the_line_changes_no_weight_and_no_buffer() -> None:
    network = grafted("image")
    chain, before = spliced(network), state(network)
    for line in (0, 3, 1):
        move_line(network, chain, line=line)
    assert changed(before, network) == set()


def test_a_frozen_norm_counts_no_batch_and_a_thawed_one_does() -> None:
    network = grafted("image")
    chain = spliced(network)
    move_line(network, chain, line=2)
    before = state(network.trunk)
    network(example("image"))
    assert {name.split(".")[0] for name in changed(before, network.trunk)} == {"top"}
    move_line(network, chain, line=0)
    network(example("image"))
    assert {name.split(".")[0] for name in changed(before, network.trunk)} >= {"stem", "middle"}


def test_frozen_dropout_drops_nothing() -> None:
    network = grafted("text", dropout=0.5)
    move_line(network, spliced(network), line=3)
    assert torch.equal(network(example("text")), network(example("text")))


class Dropping(ConvNet):
    """Drops units by code of its own."""

    def forward(self, pixels: Tensor) -> Tensor:
        dropped = nn.functional.dropout(self.stem(pixels), 0.5, self.training)
        found: Tensor = self.top(self.middle(dropped))
        return found


@pytest.mark.parametrize("line", [0, 1, 2])
def test_dropout_without_a_layer_stands_still_with_what_it_holds(line: int) -> None:
    network = Grafted(Dropping(), grafted("image").head, pooling="map")
    chain = spliced(network)
    move_line(network, chain, line=line)
    network.train()
    assert network.trunk.training == (line == 0)
    assert network.get_submodule("trunk.top").training
    with torch.no_grad():
        once, again = (chain.prefix(2, example("image")) for _ in range(2))
    assert torch.equal(once, again) == (line > 0)


def test_a_copy_of_a_frozen_network_is_frozen_on_its_own() -> None:
    network = grafted("image")
    chain = spliced(network)
    move_line(network, chain, line=3)
    copied = copy.deepcopy(network)
    move_line(network, chain, line=0)
    copied.train()
    assert not copied.get_submodule("trunk.stem").training
    assert network.get_submodule("trunk.stem").training


def test_what_is_frozen_above_the_line_keeps_its_statistics_too() -> None:
    network = grafted("image")
    chain = spliced(network)
    norms = above_of(network.trunk, ["norm"])
    found = frozen_at(chain, line=1, above=norms)
    assert "top.1.running_mean" in found.buffers
    assert found.below < found.modules
    before = state(network.trunk)
    move_line(network, chain, line=1, above=norms)
    network(example("image"))
    assert changed(before, network.trunk) == set()
    assert network.get_parameter("trunk.top.0.weight").requires_grad
    assert not network.get_parameter("trunk.top.1.weight").requires_grad


class Encoder(nn.Module):
    """Torch's own layers of attention, told what is padding."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(50, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 16, dropout=0.0, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 3)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Returns (B, T, 16)."""
        hidden = self.layers(self.table(input_ids), src_key_padding_mask=attention_mask == 0)
        found: Tensor = hidden
        return found


def test_layers_of_torch_with_padding_are_frozen_like_others() -> None:
    head = make_head("linear", 16, classes=2, generator=torch.Generator().manual_seed(0))
    network = Grafted(Encoder(), head, pooling="mean")
    chain = spliced(network)
    for line in range(chain.top):
        move_line(network, chain, line=line)
        network(example("text")).sum().backward()
        with torch.no_grad():
            assert not chain.prefix(line, example("text")).is_nested
