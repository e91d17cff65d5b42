"""A training that was stopped anywhere and gone on with is the one that was not stopped."""

import math
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch

from regraft.errors import DataError
from regraft.freezing.proof import optimiser_digest, state_digest
from regraft.freezing.threshold import Rule, RuleName
from regraft.strategies.two_stage import TwoStage
from regraft.training import steps as steps_module
from regraft.training.keeping import checkpoint as module
from regraft.training.keeping.checkpoint import Beside, _load_optimiser, checkpoint, restore
from regraft.training.keeping.keeper import Keeper
from regraft.training.loop import work
from regraft.training.options import Options
from regraft.training.phase import Phase
from regraft.training.session import Session
from tests.tiny_sessions import KINDS, facts, grafted, options, session, text_examples

CLOCK = Rule(0.5, "clock")
AUGMENT = {"text": "drop-tokens", "image": "flip-crop"}


class StoppedHereError(Exception):
    """Stands for a kill."""


def usual(kind: str, **changed: object) -> Options:
    return options(augment=AUGMENT[kind], threshold=CLOCK, **changed)


def phases(made: Session, kind: str) -> list[Phase]:
    head, tune = TwoStage().phases(made.chain, facts(kind, start_line=1))
    return [head, tune, replace(tune, name="again", line=0, epochs=1, rates=(1e-3,) * made.top)]


def keeper_in(folder: Path) -> Keeper:
    """Returns one that keeps a checkpoint after every step."""
    return Keeper(folder / "checkpoints", soonest=0.0, share=math.inf)


def fresh(kind: str, chosen: Options) -> Session:
    network = grafted("text", dropout=0.2) if kind == "text" else None
    return session(kind, chosen, network=network)


@cache
def whole(kind: str, chosen: Options) -> tuple[object, ...]:
    """Returns what is told of a training that was not stopped."""
    made = fresh(kind, chosen)
    work(made, phases(made, kind))
    return told(made)


def stopped_at(step: int, kind: str, chosen: Options, folder: Path) -> None:
    """Trains until a step begins, and no further."""
    made = fresh(kind, chosen)
    made.keeper = keeper_in(folder)
    real = steps_module._step

    def killed(*arguments: object) -> object:
        if made.step == step:
            raise StoppedHereError
        return real(*arguments)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps_module, "_step", killed)
        with pytest.raises(StoppedHereError):
            work(made, phases(made, kind))


def gone_on(kind: str, chosen: Options, folder: Path) -> Session:
    made = fresh(kind, chosen)
    made.keeper = keeper_in(folder)
    torch.rand(7)
    work(made, phases(made, kind))
    return made


def told(made: Session) -> tuple[object, ...]:
    """Returns all that has to be equal: weights, moments, ledger, stretches, scores."""
    scores = [(r.phase, r.epoch, r.train_loss, r.val_loss, r.rate) for r in made.records]
    return (
        state_digest(made.network),
        optimiser_digest(made.optimiser),
        made.ledger.as_json(),
        made.ledger.checks_as_json(),
        [stretch.as_json() for stretch in made.stretches],
        scores,
        made.step,
        made.best.key if made.best else None,
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [1, 3, 4, 5, 8, 9, 11])
def test_stopped_before_any_step_and_gone_on_with_is_the_same(
    kind: str, step: int, tmp_path: Path
) -> None:
    chosen = usual(kind)
    stopped_at(step, kind, chosen, tmp_path)
    assert told(gone_on(kind, chosen, tmp_path)) == whole(kind, chosen)


@pytest.mark.parametrize("step", range(1, 9))
def test_readings_in_a_row_are_counted_over_a_stop(step: int, tmp_path: Path) -> None:
    chosen = replace(usual("image"), threshold=Rule(1e9))
    stopped_at(step, "image", chosen, tmp_path)
    assert told(gone_on("image", chosen, tmp_path)) == whole("image", chosen)


def test_what_the_optimiser_was_left_with_is_known_after_a_stop(tmp_path: Path) -> None:
    chosen = usual("image")
    stopped_at(9, "image", chosen, tmp_path)
    kept = keeper_in(tmp_path).latest()
    assert kept is not None
    made = fresh("image", chosen)
    restore(made, kept)
    assert made.left_state is not None
    assert made.left_state == kept.content["left_state"]


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_a_run_stopped_twice_is_the_same(optimizer: str, tmp_path: Path) -> None:
    chosen = usual("text", optimizer=optimizer)
    stopped_at(3, "text", chosen, tmp_path)
    stopped_at(7, "text", chosen, tmp_path)
    assert told(gone_on("text", chosen, tmp_path)) == whole("text", chosen)


def test_a_stop_before_the_first_checkpoint_starts_anew(tmp_path: Path) -> None:
    chosen = usual("text")
    stopped_at(0, "text", chosen, tmp_path)
    assert told(gone_on("text", chosen, tmp_path)) == whole("text", chosen)


def test_the_literal_rule_waits_over_a_stop(tmp_path: Path) -> None:
    chosen = replace(usual("image"), threshold=Rule(1.0, "literal"))
    stopped_at(5, "image", chosen, tmp_path)
    assert told(gone_on("image", chosen, tmp_path)) == whole("image", chosen)


def test_the_time_that_was_used_stays_used(tmp_path: Path) -> None:
    chosen = replace(usual("text"), deadline=time.monotonic() + 500)
    stopped_at(3, "text", chosen, tmp_path)
    kept = keeper_in(tmp_path).latest()
    assert kept is not None
    assert 400 < kept.content["seconds_left"] <= 500
    made = fresh("text", replace(chosen, deadline=time.monotonic() + 9999))
    restore(made, kept)
    assert made.options.deadline < time.monotonic() + 501


def test_pieces_and_decisions_are_known_after_a_stop() -> None:
    made, again = fresh("text", usual("text")), fresh("text", usual("text"))
    made.piece, made.decided = 3, (1, True)
    restore(again, checkpoint(made, Beside(torch.amp.GradScaler("cpu", enabled=False))))
    assert (again.piece, again.decided) == (3, (1, True))


def test_without_a_limit_none_is_kept(tmp_path: Path) -> None:
    stopped_at(3, "text", usual("text"), tmp_path)
    kept = keeper_in(tmp_path).latest()
    assert kept is not None
    made = fresh("text", usual("text"))
    restore(made, kept)
    assert kept.content["seconds_left"] is None
    assert made.options.deadline == math.inf


@pytest.mark.parametrize("name", ["outputs", "gradient", "staggered", "rested"])
@pytest.mark.parametrize("step", [3, 6])
def test_every_rule_reads_the_same_over_a_stop(step: int, name: RuleName, tmp_path: Path) -> None:
    chosen = replace(usual("image"), threshold=Rule(0.7, name))
    stopped_at(step, "image", chosen, tmp_path)
    assert told(gone_on("image", chosen, tmp_path)) == whole("image", chosen)


def test_a_finished_training_is_only_put_back(tmp_path: Path) -> None:
    chosen = usual("text")
    first = gone_on("text", chosen, tmp_path)
    assert state_digest(gone_on("text", chosen, tmp_path).network) == state_digest(first.network)


def test_other_rows_are_refused(tmp_path: Path) -> None:
    chosen = usual("text")
    stopped_at(3, "text", chosen, tmp_path)
    kept = keeper_in(tmp_path).latest()
    assert kept is not None
    made = fresh("text", chosen)
    made.train = text_examples(32, seed=9)
    with pytest.raises(DataError, match="not those that the run was started with"):
        restore(made, kept)


@pytest.mark.parametrize("part", ["train", "val", "source", "target", "lent"])
def test_rows_of_every_part_and_their_labels_are_in_the_digest(part: str) -> None:
    made = fresh("text", usual("text"))
    rows = text_examples(6, seed=9)
    setattr(made, part, rows)
    found = [module.data_digest(made)]
    for other in (replace(rows, labels=1 - rows.labels), text_examples(6, seed=10)):
        setattr(made, part, other)
        found.append(module.data_digest(made))
    assert len(set(found)) == 3


@pytest.mark.parametrize("fused", [False, True])
def test_a_fused_step_finds_its_counters_beside_the_weights(fused: bool) -> None:
    """What a graphics card wants, told by a device that every machine has."""
    weight = torch.nn.Parameter(torch.zeros(3, device="meta"))
    optimiser = torch.optim.AdamW([{"params": [weight], "fused": False}])
    optimiser.param_groups[0]["fused"] = fused
    kept = {"0.step": torch.tensor(3.0), "0.exp_avg": torch.zeros(3)}
    _load_optimiser(optimiser, kept)
    found = {name: value.device.type for name, value in optimiser.state[weight].items()}
    assert found == {"step": "meta" if fused else "cpu", "exp_avg": "meta"}


def test_the_rows_are_digested_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Session] = []
    real = module.data_digest

    def counted(made: Session) -> str:
        asked.append(made)
        return real(made)

    monkeypatch.setattr(module, "data_digest", counted)
    made = fresh("image", usual("image"))
    made.keeper = keeper_in(tmp_path)
    work(made, phases(made, "image"))
    assert asked == [made]
    assert made.keeper.latest().content["data"] == real(made)  # type: ignore[union-attr]


@pytest.mark.parametrize("fused", [True, False])
def test_a_step_that_is_left_out_is_told_from_one_that_is_taken(fused: bool) -> None:
    weight = torch.nn.Parameter(torch.ones(2, 2))
    optimiser = torch.optim.AdamW([weight], lr=0.1, fused=fused)
    found = []
    for mode, factor in (("fp16", 1.0), ("fp16", math.inf), ("fp32", 1.0)):
        beside = Beside(torch.amp.GradScaler("cpu", enabled=mode == "fp16"))
        beside.scaler.scale((weight * factor).sum()).backward()
        beside.scaler.unscale_(optimiser)
        before = weight.detach().clone()
        taken = beside.step(optimiser)
        found.append((taken, not torch.equal(before, weight)))
        optimiser.zero_grad()
    assert found == [(True, True), (False, False), (True, True)]
