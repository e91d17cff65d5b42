"""Every strategy of the table makes sound phases and trains a text and an image network."""

import math
import re
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from regraft.backbones.chain import Chain
from regraft.backbones.graft import Head, make_head
from regraft.freezing.proof import state_digest
from regraft.freezing.threshold import Rule
from regraft.freezing.verify import faults_of
from regraft.strategies.table import MODIFIERS, STRATEGIES, make_strategy
from regraft.training import steps as steps_module
from regraft.training.keeping.keeper import Keeper
from regraft.training.loop import work
from regraft.training.phase import describe
from regraft.training.session import Session
from regraft.training.steps import Stepper
from tests import tiny
from tests.contracts.test_modifiers import modality, network_of
from tests.tiny_sessions import EXAMPLES, KINDS, changed, facts, grafted, session, spliced, state

EVERY = [*STRATEGIES, *(f"two-stage+{name}" for name in MODIFIERS)]
EVERY.remove("two-stage+lora")  # has tests of its own: the network is another one
EVERY += [
    "head:refit=true",
    "zero:by=means",
    "surgical:blocks=middle",
    "two-stage+average+bias-only",
    "contrastive+average",
]

every = pytest.mark.parametrize("name", EVERY)
networks = pytest.mark.parametrize("kind", KINDS)
PAIRS = [(kind, name) for kind in (*KINDS, "plain") for name in EVERY]
PAIRS.remove(("plain", "two-stage+norm-only"))
"""With the twin of VGG16, which has no norm layer."""


def begun(name: str, kind: str) -> Session:
    """Returns a session for a strategy: what it holds, and weights to draw, are in it."""
    made = session(modality(kind), network=network_of(kind) if kind == "plain" else None)
    held = make_strategy(name).held(made.network.trunk)
    made.options = replace(made.options, above=held)
    made.fresh = network_of(kind).trunk.state_dict  # random weights, always the same
    made.source = EXAMPLES[modality(kind)](48, seed=7)
    return made


@cache
def chain_of(kind: str) -> Chain:
    """Returns the chain of a tiny network, for tests that only look at it."""
    return spliced(grafted(kind))


def head_of(classes: int) -> Head:
    generator = torch.Generator().manual_seed(1)
    return make_head("linear", 16, classes=classes, generator=generator)


def verified(made: Session) -> list[str]:
    """Returns what `regraft verify` would find in a run of this session."""
    stretches = [stretch.as_json() for stretch in made.stretches]
    saved = {"kind": "saved", "digests": {"model.safetensors": "its digest"}}
    freezing = {"ledger": [*made.ledger.as_json(), saved], "proof": {"stretches": stretches}}
    return faults_of(freezing, made.network.state_dict(), sha256="its digest")


def worked(name: str, kind: str, start_line: int = 0) -> Session:
    made = begun(name, kind)
    work(made, make_strategy(name).phases(made.chain, facts(kind, start_line=start_line)))
    return made


@every
@networks
@pytest.mark.parametrize("start_line", [0, 2])
def test_phases_are_sound(name: str, kind: str, start_line: int) -> None:
    if "surgical" in name and start_line:
        return  # refuses lower blocks that shall stay frozen
    chain = chain_of(kind)
    phases = make_strategy(name).phases(chain, facts(kind, start_line=start_line))
    assert phases
    assert len({phase.name for phase in phases}) == len(phases)
    for phase in phases:
        assert start_line <= phase.line <= chain.top
        assert len(phase.rates) == chain.top
        still = {*range(phase.line), *phase.still}
        assert {b for b, rate in enumerate(phase.rates) if rate == 0} == still
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
def test_what_is_frozen_stands_still_and_the_rest_moves(
    name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.heads_of_one_penalty(monkeypatch, 0.01)
    made = begun(name, kind)
    phases = make_strategy(name).phases(made.chain, facts(kind, start_line=1))
    before, head = state(made.network.trunk), state(made.network.head)
    work(made, phases)
    moving = {b for phase in phases for b, rate in enumerate(phase.rates) if rate > 0}
    free = {name for b in moving for name in made.chain.blocks[b].parameters}
    free -= make_strategy(name).held(made.network.trunk).parameters
    moved = changed(before, made.network.trunk) & set(dict(made.network.trunk.named_parameters()))
    # An average may like the start best.
    assert moved <= free if "average" in name else moved == free
    assert set(dict(made.network.head.named_parameters())) <= changed(head, made.network.head)
    assert verified(made) == []


@pytest.mark.parametrize("name", ["layerwise+average", "two-stage+average", "sequential", "decay"])
@networks
def test_what_froze_on_the_way_is_proved_too(name: str, kind: str) -> None:
    made = begun(name, kind)
    made.options = replace(made.options, threshold=Rule(0.4, "clock"))
    work(made, make_strategy(name).phases(made.chain, facts(kind, epochs=4)))
    assert any(event.kind == "threshold" for event in made.ledger.events)
    assert verified(made) == []


@networks
def test_the_same_seed_gives_the_same_bytes(kind: str) -> None:
    # Below, trainings of every strategy end in the same bytes; there the source of
    # `sequential` has another head.
    first, second = worked("sequential", kind), worked("sequential", kind)
    assert state_digest(first.network) == state_digest(second.network)


@every
def test_phases_can_be_described(name: str) -> None:
    chain = chain_of("text")
    for phase in make_strategy(name).phases(chain, facts("text")):
        assert 0 < describe(phase, chain, head_parameters=34)["share"] <= 1


@every
def test_a_strategy_says_what_it_does_and_whose_idea_it_is(name: str) -> None:
    made = make_strategy(name)
    for each in (made.strategy, *made.modifiers):
        document = sys.modules[type(each).__module__].__doc__ or ""
        assert re.search(r"\n\nSource: .*\b(19|20)\d\d\b", document)


class StoppedHereError(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_a_training_that_was_stopped_ends_as_if_it_had_not_been(
    kind: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Rows of the source come in from step 8 on, with a head of their own.
    at = 10 if name == "sequential" else 5

    def kept() -> Session:
        made = begun(name, kind)
        if made.source is not None and "sequential" in name:
            other = replace(made.source, labels=made.source.labels + 2)
            made.source, made.source_head = other, head_of(2)
        made.keeper = Keeper(tmp_path / "checkpoints", soonest=0.0, share=math.inf)
        return made

    def trained(made: Session) -> str:
        work(made, make_strategy(name).phases(made.chain, facts(modality(kind))))
        return state_digest(made.network)

    whole = kept()
    expected = trained(whole)
    assert whole.keeper is not None
    whole.keeper.clear()
    real = steps_module._step

    def killed(stepper: Stepper, *given: Any) -> Any:
        if stepper.session.step == at:
            raise StoppedHereError
        return real(stepper, *given)

    with monkeypatch.context() as patch:
        patch.setattr(steps_module, "_step", killed)
        if whole.step > at:
            with pytest.raises(StoppedHereError):
                trained(kept())
    torch.rand(5)
    again = kept()
    assert trained(again) == expected
    assert again.ledger.as_json() == whole.ledger.as_json()
    assert all(stretch.holds for stretch in again.stretches)
    assert verified(again) == []
