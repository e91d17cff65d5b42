"""Makes the result document, the JSON that every table and report is drawn from."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from regraft.backbones.chain import Block
from regraft.backbones.modes import Mode
from regraft.freezing.cost import (
    block_flops,
    saved_by_block,
    saved_seconds,
    saved_share,
    seconds_by_block,
)
from regraft.freezing.ledger import MOVES
from regraft.freezing.proof import Stretch
from regraft.freezing.verify import UNPROVED, faults_seen
from regraft.machine import device_name
from regraft.runs.choosing.defaults import TYPED, Choice
from regraft.runs.fitting.cheaper import Cheaper, Gain, gained, points_words, scores_of
from regraft.runs.fitting.commands import next_commands
from regraft.runs.fitting.outcome import Labels, Outcome, calibration, confusion, worst_mistakes
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.train import Trained
from regraft.scoring import metrics
from regraft.scoring.scores import score
from regraft.training.moving.lines import sample_of
from regraft.training.phase import describe
from regraft.training.precision import Verdict
from regraft.training.session import Best, Session

Document = dict[str, Any]
BEFORE = "chosen before the run was stopped"


def result_document(
    run: Path,
    made: tuple[Prepared, Trained, Outcome],
    *,
    beside: tuple[list[Cheaper], dict[str, float], list[Document]],
    verdict: Verdict,
) -> Document:
    """Returns the whole document of DESIGN's command-line contract.

    Args:
        run: The run folder.
        made: What was prepared, trained and answered.
        beside: The cheaper ways, the seconds of each stretch, and the phases described.
        verdict: Modes of training and inference.
    """
    prepared, trained, outcome = made
    ways, seconds, plan = beside
    freezing = _freezing(trained)
    return {
        "run": str(run),
        "data": _data(prepared),
        "backbone": _backbone(prepared),
        "strategy": prepared.settings.strategy,
        "seed": prepared.settings.seed,
        "scores": _scores(outcome, prepared.dataset.leaked),
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "trained_share": _trained_share(trained, plan),
        "freezing": freezing,
        "cache": prepared.cache.tally.as_json(),
        "environment": environment(verdict),
        "plan": {"phases": plan},
        "defaults": [vars(choice) for choice in told_choices(prepared)],
        "understood": prepared.understood,
        "warnings": [*prepared.dataset.warnings, *_unproved(freezing["proof"])],
        "history": [vars(record) for record in trained.records],
        "best": _best(trained),
        **_details(outcome),
        **_baselines(prepared, outcome, ways),
        "next": next_commands(run, prepared),
    }


def described(prepared: Prepared) -> list[Document]:
    """Returns the phases as plain data, of the network before anything is merged into it."""
    head = prepared.network.head
    size = sum(p.numel() for p in head.parameters())
    shown = partial(describe, head_parameters=size, above=prepared.above, linear=not head.hidden)
    return [shown(phase, prepared.chain) for phase in prepared.phases]


def environment(verdict: Verdict) -> Document:
    """Returns what a run's figures depend on, with the verdict of its timed probe."""
    return {**surroundings(verdict.training), "verdict": verdict.as_json()}


def surroundings(mode: Mode) -> Document:
    """Returns what a figure depends on: processor, versions, threads, mode."""
    return {
        "processor": device_name(mode.device),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        **asdict(mode),
    }


def _data(prepared: Prepared) -> Document:
    dataset = prepared.dataset
    return {
        "name": dataset.name,
        "modality": dataset.modality,
        "classes": list(dataset.classes),
        "rows": {part: len(rows) for part, rows in dataset.parts.items()},
        "split": dataset.split_rule,
        "columns": dataset.columns,
        "problems": len(dataset.problems),
    }


def _backbone(prepared: Prepared) -> Document:
    backbone = prepared.backbone
    trunk = sum(p.numel() for p in prepared.network.trunk.parameters())
    return {
        "name": backbone.name,
        "licence": backbone.licence,
        "origin": backbone.origin,
        "parameters": trunk,
        "width": backbone.width,
        "positions": prepared.chain.top + 1,
    }


def _scores(outcome: Outcome, leaked: Labels) -> Document:
    """Returns the scores of each part; where test rows were seen, also those of the others."""
    parts: Document = {}
    if len(outcome.val_labels):
        parts["val"] = score(outcome.val, outcome.val_labels).as_json()
    if len(outcome.test):
        parts["test"] = score(outcome.probabilities, outcome.test.labels).as_json()
    if 0 < len(leaked) < len(outcome.test):
        own = np.setdiff1d(np.arange(len(outcome.test)), leaked)
        found, labels = outcome.probabilities[own], outcome.test.labels[own]
        parts["test_without_leaks"] = score(found, labels).as_json()
    return parts


def _trained_share(trained: Trained, plan: list[Document]) -> float:
    """Returns the share of the numbers of the final network that training may have moved.

    Phases after the best checkpoint's have left nothing in it.
    """
    best = trained.session.best
    assert best is not None, "a run has at least one epoch"
    names = [phase["name"] for phase in plan]
    return float(max(phase["share"] for phase in plan[: names.index(best.phase) + 1]))


def _line_at(session: Session, best: Best) -> int:
    """Returns the line when the best epoch ended; it may have moved later in its phase."""
    moves = [e for e in session.ledger.events if e.kind in MOVES and e.phase == best.phase]
    return next((e.line for e in reversed(moves) if e.step <= best.step), moves[0].line)


def _freezing(trained: Trained) -> Document:
    session = trained.session
    best = session.best
    assert best is not None, "a run has at least one epoch"
    stretches, flops = session.stretches, _flops(session)
    seconds = saved_seconds(session.paces.found)
    shares = saved_by_block(stretches, flops)
    parts = seconds_by_block(stretches, flops, seconds=seconds)
    return {
        "line": _line_at(session, best),
        "saved_backward_share": saved_backward_share(session, flops),
        "saved_seconds": round(seconds, 3),
        "paces": session.paces.as_json(),
        "ledger": session.ledger.as_json(),
        "checks": session.ledger.checks_as_json(),
        "blocks": [
            {**_block(block), "saved_backward_share": share, "saved_seconds": round(part, 3)}
            for block, share, part in zip(session.chain.blocks, shares, parts, strict=True)
        ],
        "proof": _proof(session.stretches, session.ledger.as_json()),
    }


def _block(block: Block) -> Document:
    """Returns what `regraft verify` needs to find a block again in the file of weights."""
    return {
        "name": block.name,
        "parameters": block.size,
        "tensors": [*block.parameters, *block.buffers],
    }


def saved_backward_share(session: Session, flops: Sequence[int] | None = None) -> float:
    """Returns the share of the trunk's backward arithmetic that freezing saved, in [0, 1].

    Args:
        session: Of the final network.
        flops: (P,) cost of each block; None = counted here.
    """
    return saved_share(session.stretches, _flops(session) if flops is None else flops)


def _flops(session: Session) -> list[int]:
    return block_flops(session.chain, sample_of(session))


def _proof(stretches: list[Stretch], ledger: list[Document]) -> Document:
    faults = faults_seen(stretches, ledger)
    return {
        "holds": not faults,
        "faults": faults,
        "stretches": [stretch.as_json() for stretch in stretches],
    }


def _unproved(proof: Document) -> list[str]:
    """Returns the first of what speaks against the proof, as a warning."""
    return [f"{UNPROVED}: {fault}" for fault in proof["faults"][:1]]


def _best(trained: Trained) -> Document:
    best = trained.session.best
    assert best is not None, "a run has at least one epoch"
    averaged = {} if best.share is None else {"average": best.share}
    return {"phase": best.phase, "epoch": best.epoch, "step": best.step, **averaged}


def told_choices(prepared: Prepared) -> list[Choice]:
    """Returns every choice; one that a run made before it was stopped is not told as typed."""
    settings, earlier, listed = prepared.settings, prepared.earlier, prepared.chosen.listed()
    if earlier is None or settings.repeat is None or settings.repeat.parent != settings.out:
        return listed
    return [
        replace(choice, reason=BEFORE)
        if choice.reason == TYPED and choice.name in earlier.left_open
        else choice
        for choice in listed
    ]


def _details(outcome: Outcome) -> Document:
    counts = confusion(outcome)
    named = zip(outcome.model.classes, metrics.per_class(counts), strict=True)
    return {
        "classes": list(outcome.model.classes),
        "confusion": counts.tolist(),
        "per_class": [{"class": name, **vars(values)} for name, values in named],
        "calibration": calibration(outcome),
        "mistakes": worst_mistakes(outcome),
    }


def _baselines(prepared: Prepared, outcome: Outcome, ways: list[Cheaper]) -> Document:
    if not ways or not len(outcome.test):
        return {"verdict": ""}
    total = sum(p.numel() for p in prepared.network.parameters())
    rows = {
        way.key: {
            "name": way.name,
            **scores_of(way, outcome.test.labels).as_json(),
            "seconds": round(way.seconds, 3),
            "trained_share": way.trained / total,
        }
        for way in ways
    }
    gain = gained(
        prepared, (outcome.val, outcome.probabilities), ways=ways, val_labels=outcome.val_labels
    )
    return {
        "baselines": rows,
        "gain": _gain(prepared, gain),
        "verdict": gain.verdict,
    }


def _gain(prepared: Prepared, gain: Gain) -> Document:
    difference = gain.difference
    points = points_words(difference, gain.of)
    return {
        "sentence": f"{prepared.settings.strategy} is {points} beside the {gain.over} on test rows",
        "over": gain.over,
        "of": gain.of,
        "difference": difference.value,
        "low": difference.low,
        "high": difference.high,
    }
