"""Tests that pairs of matrices alone move, and that adding them changes no answer."""

from dataclasses import replace

import pytest
import torch
from torch import nn

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
