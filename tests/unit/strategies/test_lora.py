"""Tests that pairs of matrices alone move, and that adding them changes no answer."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from regraft.backbones.splicing.calling import call
from regraft.errors import SettingsError
from regraft.strategies.lora import MARK, Lora
from regraft.strategies.two_stage import TwoStage
from regraft.training.keeping.merging import merge_into_trunk
from regraft.training.loop import work
from regraft.training.session import Session
from tests.tiny_sessions import KINDS, changed, example, facts, grafted, session, spliced, state

pytest.importorskip("peft")


def trained(kind: str) -> tuple[Session, dict[str, torch.Tensor]]:
    """Returns a session whose pairs were trained, and the network's state before."""
    network = grafted(kind)
    Lora(rank=2, alpha=4).graft(network.trunk, seed=0)
    made = session(kind, network=network)
    made.options = replace(made.options, above=Lora().held(network.trunk))
    before = state(network)
    work(made, TwoStage().phases(made.chain, facts(kind)))
    return made, before


@pytest.mark.parametrize("given", [(0, 16), (10**20, 16), (8, 0), (8, 10**400)])
def test_numbers_that_no_layer_has_room_for_are_refused(given: tuple[int, int]) -> None:
    with pytest.raises(SettingsError, match=r"\+lora:(rank|alpha)=.*a whole number from 1 to 4096"):
        Lora(*given)


@pytest.mark.parametrize("kind", KINDS)
def test_the_network_starts_as_it_was(kind: str) -> None:
    plain, network = grafted(kind).eval(), grafted(kind).eval()
    Lora().graft(network.trunk, seed=0)
    with torch.no_grad():
        assert torch.equal(plain(example(kind)), network(example(kind)))


@pytest.mark.parametrize("kind", KINDS)
def test_the_pairs_alone_move(kind: str) -> None:
    made, before = trained(kind)
    moved = changed(
        {n.removeprefix("trunk."): t for n, t in before.items() if "trunk." in n},
        made.network.trunk,
    )
    parameters = set(dict(made.network.trunk.named_parameters()))
    assert {name for name in parameters if MARK in name} == moved & parameters
    assert all(stretch.holds for stretch in made.stretches)


@pytest.mark.parametrize("kind", KINDS)
def test_merged_answers_are_those_before(kind: str) -> None:
    made, _ = trained(kind)
    made.network.eval()
    with torch.no_grad():
        before = made.network(example(kind))
    merge_into_trunk(made, [Lora().merge], example=example(kind))
    made.network.eval()
    with torch.no_grad():
        torch.testing.assert_close(made.network(example(kind)), before, atol=1e-5, rtol=0)
    plain = grafted(kind)
    assert list(made.network.state_dict()) == list(plain.state_dict())
    assert [type(m) for m in made.network.modules()] == [type(m) for m in plain.modules()]
    assert made.ledger.events[-1].kind == "merge"
    assert [block.name for block in made.chain.blocks] == [b.name for b in spliced(plain).blocks]


def test_a_trunk_without_such_layers_is_refused() -> None:
    with pytest.raises(SettingsError, match="finds no linear layer"):
        Lora().graft(nn.Sequential(nn.ReLU()), seed=0)


@pytest.mark.parametrize("given", [(0, 1), (1, 0)])
def test_no_rank_is_refused(given: tuple[int, int]) -> None:
    with pytest.raises(SettingsError, match=r"\+lora:(rank|alpha)=0 "):
        Lora(*given)


class Reused(nn.Module):
    """A layer that is called twice, two layers that share a weight, and one of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.twice = nn.Linear(4, 4)
        self.again = self.twice
        self.left, self.right = nn.Linear(4, 4), nn.Linear(4, 4)
        self.right.weight = self.left.weight
        self.own = nn.Linear(4, 4)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Returns (B, 4)."""
        inner = self.right(torch.relu(self.left(self.again(torch.relu(self.twice(rows))))))
        found: torch.Tensor = self.own(inner)
        return found


class Nested(nn.Sequential):
    """Its second layer has, at the end of its path, the name of the first one."""

    def __init__(self) -> None:
        inner = nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1, groups=2))
        super().__init__(nn.Conv2d(4, 4, 1), inner)


def encoder() -> nn.Module:
    """Returns one of torch's own layers of attention, which has a fast path."""
    return nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True)


def gap_of_a_merge(trunk: nn.Module, rows: torch.Tensor) -> float:
    """Returns by how much a merge changes what a trunk with random pairs gives."""
    Lora(rank=2, alpha=4).graft(trunk, seed=0)
    with torch.no_grad():
        for name, parameter in trunk.named_parameters():
            if MARK in name:
                nn.init.normal_(parameter, generator=torch.Generator().manual_seed(0))
        before = call(trunk.eval(), {"pixels": rows})
        Lora().merge(trunk)
        return float((call(trunk, {"pixels": rows}) - before).abs().max())


@pytest.mark.parametrize(
    ("make", "extents"), [(Reused, (3, 4)), (encoder, (3, 5, 4)), (Nested, (3, 4, 2, 2))]
)
def test_a_merge_changes_no_answer_of_odd_layers(
    make: Callable[[], nn.Module], extents: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    assert gap_of_a_merge(make(), torch.randn(extents)) < 1e-4


def test_layers_whose_weights_are_used_twice_get_no_pair() -> None:
    trunk = Reused()
    Lora().graft(trunk, seed=0)
    pairs = {n.split(".")[0] for n, _ in trunk.named_parameters() if MARK in n}
    assert pairs == {"own"}
    shared = nn.ModuleList([linear := nn.Linear(2, 2), linear])
    with pytest.raises(SettingsError, match="used in one place only"):
        Lora().graft(shared, seed=0)
