"""Tests that a session goes on from where another one ended, its optimiser anew."""

import json

import numpy as np
import pytest
import torch

from regraft.freezing.proof import state_digest
from regraft.strategies.l2_start import L2Start
from regraft.strategies.two_stage import TwoStage
from regraft.training.keeping.history import handed_over, history_of, put_history, take_over
from regraft.training.loop import work
from regraft.training.session import Session
from tests.contracts.test_strategies import verified
from tests.tiny_sessions import KINDS, facts, session, state


def worked(kind: str) -> Session:
    made = session(kind)
    work(made, TwoStage().phases(made.chain, facts(kind, start_line=1)))
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_the_network_and_all_that_is_told_are_handed_on(kind: str) -> None:
    first, second = worked(kind), session(kind)
    take_over(second, handed_over(first))
    assert state_digest(second.network) == state_digest(first.network)
    assert history_of(second) == history_of(first)
    assert json.loads(json.dumps(history_of(first))) == json.loads(json.dumps(history_of(second)))
    np.testing.assert_array_equal(second.chosen_logits(), first.chosen_logits())
    assert not second.optimiser.state


@pytest.mark.parametrize("kind", KINDS)
def test_what_goes_on_is_proved_together_with_what_was_before(kind: str) -> None:
    first, second = worked(kind), session(kind)
    take_over(second, handed_over(first))
    phases = TwoStage().phases(second.chain, facts(kind, start_line=2))
    work(second, phases[1:])
    assert len(second.stretches) == 3
    assert verified(second) == []
    assert second.step > first.step


@pytest.mark.parametrize("kind", KINDS)
def test_how_the_trunk_came_is_handed_on_where_weights_are_pulled_back_to_it(kind: str) -> None:
    first, second = session(kind), session(kind)
    came = state(first.network.trunk)
    phases = L2Start().phases(first.chain, facts(kind, epochs=6))
    work(first, phases)
    take_over(second, handed_over(first))
    work(second, phases[1:])
    moved = dict(second.network.trunk.named_parameters())
    for name, weight in moved.items():
        assert not torch.equal(weight, came[name])
        assert torch.equal(second.start[name], came[name])


def test_a_history_can_be_put_back_from_json() -> None:
    first, second = worked("text"), session("text")
    put_history(second, json.loads(json.dumps(history_of(first))))
    assert json.dumps(history_of(second)) == json.dumps(history_of(first))


def test_what_the_cache_decided_is_handed_on() -> None:
    first, second = worked("text"), session("text")
    first.cache.decided = {"line 1, 3 passes, 1 views": True, "line 2, 2 passes, 1 views": False}
    put_history(second, json.loads(json.dumps(history_of(first))))
    assert second.cache.decided == first.cache.decided
