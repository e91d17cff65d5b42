"""Every strategy of the table makes sound phases and trains a text and an image network."""

import re
import sys

import pytest

from regraft.freezing.proof import state_digest
from regraft.strategies.table import STRATEGIES, make_strategy
from regraft.training.loop import work
from regraft.training.phase import describe
from regraft.training.session import Session
from tests.tiny_sessions import KINDS, below, changed, facts, grafted, session, spliced, state

every = pytest.mark.parametrize("name", STRATEGIES)
networks = pytest.mark.parametrize("kind", KINDS)


def worked(name: str, kind: str, start_line: int = 0) -> Session:
    made = session(kind)
    work(made, make_strategy(name).phases(made.chain, facts(kind, start_line=start_line)))
    return made


@every
@networks
@pytest.mark.parametrize("start_line", [0, 2])
def test_phases_are_sound(name: str, kind: str, start_line: int) -> None:
    chain = spliced(grafted(kind))
    phases = make_strategy(name).phases(chain, facts(kind, start_line=start_line))
    assert phases
    assert len({phase.name for phase in phases}) == len(phases)
    for phase in phases:
        assert start_line <= phase.line <= chain.top
        assert len(phase.rates) == chain.top
        assert all(rate == 0 for rate in phase.rates[: phase.line])
        assert all(rate > 0 for rate in phase.rates[phase.line :])
        assert phase.head_rate > 0
        assert phase.epochs >= 1
        assert 0 <= phase.warmup < 1


@every
@networks
def test_a_tiny_network_learns(name: str, kind: str) -> None:
    made = worked(name, kind)
    assert made.best is not None
    wrong = made.chosen_logits().argmax(axis=1) != made.val.labels
    assert wrong.mean() < 0.3


@every
@networks
def test_what_is_frozen_stands_still_and_the_rest_moves(name: str, kind: str) -> None:
    made = session(kind)
    phases = make_strategy(name).phases(made.chain, facts(kind, start_line=1))
    before, head = state(made.network.trunk), state(made.network.head)
    work(made, phases)
    lowest = min(phase.line for phase in phases)
    moved = changed(before, made.network.trunk)
    parameters = set(dict(made.network.trunk.named_parameters()))
    assert moved & below(made.chain, lowest) == set()
    assert parameters - below(made.chain, lowest) <= moved
    assert set(dict(made.network.head.named_parameters())) <= changed(head, made.network.head)
    assert all(stretch.holds for stretch in made.stretches)


@every
@networks
def test_the_same_seed_gives_the_same_bytes(name: str, kind: str) -> None:
    first, second = worked(name, kind), worked(name, kind)
    assert state_digest(first.network) == state_digest(second.network)


@every
def test_phases_can_be_described(name: str) -> None:
    chain = spliced(grafted("text"))
    for phase in make_strategy(name).phases(chain, facts("text")):
        assert 0 < describe(phase, chain, head_parameters=34)["share"] <= 1


@every
def test_a_strategy_says_what_it_does_and_whose_idea_it_is(name: str) -> None:
    document = sys.modules[type(make_strategy(name)).__module__].__doc__ or ""
    assert re.search(r"\n\nSource: .*\b(19|20)\d\d\b", document)
