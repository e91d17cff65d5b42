"""Tests that merging is an entry of the ledger, and that without any nothing is done."""

import pytest
from torch import nn

from regraft.errors import GuardError
from regraft.freezing.proof import block_digests, state_digest
from regraft.strategies.head import Head
from regraft.training.keeping.merging import merge_into_trunk
from regraft.training.loop import work
from regraft.training.session import Session
from tests.tiny_sessions import example, facts, session


def worked() -> Session:
    made = session("image")
    work(made, Head().phases(made.chain, facts("image")))
    return made


def test_without_anything_to_merge_nothing_is_done() -> None:
    made = worked()
    chain, events = made.chain, len(made.ledger.events)
    merge_into_trunk(made, [], example=example("image"))
    assert made.chain is chain
    assert len(made.ledger.events) == events


def test_what_the_network_is_afterwards_is_in_the_ledger() -> None:
    def renamed(trunk: nn.Module) -> None:
        top = trunk.get_submodule("top")
        assert isinstance(top, nn.Sequential)
        top.append(nn.Identity())

    made = worked()
    merge_into_trunk(made, [renamed], example=example("image"))
    event = made.ledger.events[-1]
    blocks = block_digests(made.network.trunk, made.chain, line=made.top)
    assert event.kind == "merge"
    assert event.digests == {**blocks, "network": state_digest(made.network)}
    assert list(blocks) == [block.name for block in made.chain.blocks]


def test_a_merge_after_which_the_network_answers_otherwise_is_refused() -> None:
    def double(trunk: nn.Module) -> None:
        trunk.get_parameter("top.0.weight").data.mul_(2)

    with pytest.raises(GuardError, match="merging the matrices changed"):
        merge_into_trunk(worked(), [double], example=example("image"))
