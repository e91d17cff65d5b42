"""Every method that moves the trunk learns, keeps what is frozen, and can be stopped."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from regraft.adaptation.moving import MOVING, moving_phase
from regraft.features import prefixed
from regraft.features.cached import Cache
from regraft.features.pooled import logits
from regraft.features.worth import Worth
from regraft.freezing.proof import state_digest
from regraft.freezing.threshold import Rule
from regraft.strategies.table import make_strategy
from regraft.training import steps as steps_module
from regraft.training.keeping.keeper import Keeper
from regraft.training.loop import work
from regraft.training.phase import Phase
from regraft.training.session import Session
from regraft.training.steps import Stepper
from tests.contracts.test_strategies import StoppedHereError, verified
from tests.tiny_sessions import (
    KINDS,
    changed,
    elsewhere_examples,
    facts,
    session,
    state,
    without_labels,
)

NAMES = ["gaussian:position=2" if name == "gaussian" else name for name in MOVING]
EVERY = [*NAMES, "dann:position=3", "cdan:position=3"]
every = pytest.mark.parametrize("name", EVERY)
networks = pytest.mark.parametrize("kind", KINDS)
TARGET = 40


def begun(kind: str, *, lent: bool = False) -> Session:
    made = session(kind)
    if lent:
        made.lent, made.lent_times = elsewhere_examples(kind, 6), 2
    made.target = without_labels(elsewhere_examples(kind, TARGET))
    made.options = replace(made.options, augment="drop-tokens" if kind == "text" else "crop")
    return made


def phases_of(name: str, made: Session, kind: str, **known: Any) -> list[Phase]:
    found = make_strategy("two-stage").phases(made.chain, facts(kind, **known))
    return [*found, moving_phase(name, found, chain=made.chain)]


def worked(name: str, kind: str, **known: Any) -> Session:
    made = begun(kind)
    work(made, phases_of(name, made, kind, **known))
    return made


def right(made: Session, kind: str) -> float:
    """Returns the share of target rows that the network gets right."""
    rows = elsewhere_examples(kind, TARGET)
    found = logits(made.network, rows.rows, mode=made.verdict.inference)
    return float((found.argmax(axis=1) == rows.labels).mean())


@every
@networks
def test_both_domains_are_learnt(name: str, kind: str) -> None:
    made = worked(name, kind, epochs=3)
    wrong = made.evaluate().argmax(axis=1) != made.val.labels
    assert wrong.mean() < 0.3
    assert right(made, kind) > 0.7
    assert [record.phase for record in made.records].count("align") == 3


@every
@networks
def test_what_is_frozen_stands_still_and_the_rest_moves(name: str, kind: str) -> None:
    made = begun(kind)
    before = state(made.network.trunk)
    work(made, phases_of(name, made, kind, start_line=1)[:2])
    after_source, head = state(made.network.trunk), state(made.network.head)
    frozen = {*made.chain.blocks[0].parameters, *made.chain.blocks[0].buffers}
    made.best = None  # the last weights of the last phase are looked at
    made.place = type(made.place)()
    made.discriminator, made._optimiser, made.left_state = None, None, None
    phase = phases_of(name, made, kind, start_line=1)[2]
    work(made, [phase])
    assert not changed(before, made.network.trunk) & frozen
    free = {n for block in made.chain.blocks[1:] for n in block.parameters}
    assert changed(after_source, made.network.trunk) & free == free
    still = changed(head, made.network.head)
    assert not still if name == "shot" else still
    assert verified(made) == []


@pytest.mark.parametrize("name", ["dann:position=3", "pseudo", "mmd"])
@networks
def test_what_froze_on_the_way_is_proved_too(name: str, kind: str) -> None:
    made = begun(kind)
    made.options = replace(made.options, threshold=Rule(0.4, "clock"))
    work(made, phases_of(name, made, kind, epochs=4))
    assert any(e.kind == "threshold" and e.phase == "align" for e in made.ledger.events)
    assert verified(made) == []


@pytest.mark.parametrize("name", ["cdan:position=3", "pseudo", "mcc"])
@networks
def test_a_cached_prefix_of_both_domains_gives_the_same_network(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path))
    monkeypatch.setattr(prefixed, "worth_of", lambda *_: Worth(1.0, 0.1, 0.1, 10.0))
    answers, computed = [], []
    for on in (False, True):
        made = begun(kind)
        made.options = replace(made.options, augment="none")
        made.cache = Cache(on=on, say=lambda line: None)
        work(made, phases_of(name, made, kind, start_line=2, epochs=3))
        answers.append(logits(made.network, made.target.rows, mode=made.verdict.inference))  # type: ignore[union-attr]
        computed.append(made.cache.tally.computed)
    assert computed[0] == 0
    assert computed[1] >= len(made.train) + TARGET
    assert (answers[0].argmax(axis=1) == answers[1].argmax(axis=1)).mean() >= 0.995


def kept(made: Session, folder: Path) -> Session:
    made.keeper = Keeper(folder / "checkpoints", soonest=0.0, share=math.inf)
    return made


@pytest.mark.parametrize(
    ("name", "lent"),
    [
        *((name, False) for name in EVERY),
        *((name, True) for name in ("cdan:position=3", "shot", "pseudo", "gaussian:position=2")),
    ],
)
@networks
def test_a_training_that_was_stopped_ends_as_if_it_had_not_been(
    name: str, lent: bool, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = kept(begun(kind, lent=lent), tmp_path)
    at = 8 + 5  # in the middle of the second epoch of `align`

    def trained(made: Session) -> str:
        work(made, phases_of(name, made, kind))
        return state_digest(made.network)

    expected = trained(whole)
    assert whole.step > at
    assert whole.keeper is not None
    whole.keeper.clear()
    real = steps_module._step

    def killed(stepper: Stepper, *given: Any) -> Any:
        if stepper.session.step == at:
            raise StoppedHereError
        return real(stepper, *given)

    with monkeypatch.context() as patch:
        patch.setattr(steps_module, "_step", killed)
        with pytest.raises(StoppedHereError):
            trained(kept(begun(kind, lent=lent), tmp_path))
    torch.rand(5)
    again = kept(begun(kind, lent=lent), tmp_path)
    assert trained(again) == expected
    assert again.ledger.as_json() == whole.ledger.as_json()
    assert all(stretch.holds for stretch in again.stretches)


@pytest.mark.parametrize("name", ["dann", "mcc", "pseudo"])
@networks
def test_out_of_memory_goes_on_in_pieces_of_both_domains(
    name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = begun(kind)
    real: Callable[..., Any] = made.network.head.forward

    def small(features: torch.Tensor) -> torch.Tensor:
        if torch.is_grad_enabled() and len(features) > 7:
            raise torch.OutOfMemoryError
        found: torch.Tensor = real(features)
        return found

    monkeypatch.setattr(made.network.head, "forward", small)
    work(made, phases_of(name, made, kind))
    assert made.piece == 4
    assert np.isfinite(made.chosen_logits()).all()
