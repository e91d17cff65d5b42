"""Estimates what a run takes: seconds, by the probe's timed batch, and room on the disk."""

import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch

from regraft.backbones.vocabulary import table_of
from regraft.data.rows import Part
from regraft.data.starters.wheels import Say
from regraft.runs.fitting.outcome import is_starter
from regraft.runs.fitting.prepare import Prepared
from regraft.training.batching.folds import FOLDS
from regraft.training.keeping.keeper import GENERATIONS
from regraft.training.loop import KEPT
from regraft.training.phase import Phase
from regraft.training.precision import Verdict

PROBE_TOKENS = 1024
"""Tokens of the batch on which precision is probed: a second or two for both kinds."""
PROBE_IMAGES = 16
SLOWER = 1.2
"""A pass over many rows by the probe's pace: it finds less in the caches."""
SAVING = 3.0
"""Seconds to save the model, draw the report and end."""
OF_BYTE = 4e-9
"""Seconds, roughly, that a byte of weights takes longer where the saved model is read back."""
BACKWARD_SHARE = 2 / 3
"""Of a training step's arithmetic: the backward pass costs twice the forward pass."""
CLASSIC = 3e-4
"""Seconds that a row takes in the classic without pretraining, its solving included."""
PROBED = 1e-4
"""Seconds that a row takes in the solving of the linear probe."""
USUAL = 20
"""Classes up to which both take that long."""
OF_WEIGHT = 5e-9
"""Seconds that a weight that moves takes a processor more in each step, whatever its rows: the
gradient's norm and the optimiser go through memory. What the probe times is the passes."""
OF_CLASS = 6e-6
"""Seconds that a row takes more in both for each further class."""
DEAR = 1 / 3
"""Share of the time from which a pass over all rows for the sake of comparison is too much."""


def batches(prepared: Prepared, part: Part) -> float:
    """Returns a part's size in batches as the probe timed them.

    Test rows are not encoded before the end: they are taken to be as long as the others.
    """
    if part == "test":
        known = sum(len(rows) for rows in prepared.encoded.values())
        each = (batches(prepared, "train") + batches(prepared, "val")) / max(known, 1)
        return each * len(prepared.dataset.parts["test"])
    rows = prepared.encoded[part]
    if prepared.dataset.modality == "text":
        return float(rows.lengths.sum()) / PROBE_TOKENS
    return len(rows) / PROBE_IMAGES


def pass_seconds(prepared: Prepared, verdict: Verdict, *, part: Part) -> float:
    """Returns the seconds of one pass over a part without gradients."""
    return SLOWER * batches(prepared, part) * verdict.seconds("inference")


def nothing_to_choose(prepared: Prepared) -> bool:
    """Says whether the phases leave a single epoch that a head is of use at, and are dear.

    A head that is solved on features costs folds nothing: they are worth their scores.
    """
    *before, last = prepared.phases
    solved = last.line == prepared.chain.top and not prepared.network.head.hidden
    return bool(before) and solved and all(phase.loss == "pairs" for phase in before)


def estimate(prepared: Prepared, phase: Phase, *, verdict: Verdict, judged: bool = True) -> float:
    """Returns the seconds that a phase will take, from the probe's timed batch.

    Validation counts, and so do folds: each sees four fifths of the rows and validates the
    rest, and a last session sees all of them. A phase on features takes next to nothing
    beside the pass that makes them, which is counted once for the run.

    Args:
        prepared: Its rows.
        phase: Its line and epochs.
        verdict: Its timings.
        judged: Whether rows are left out in folds where there is no validation part.
    """
    top = prepared.chain.top
    if phase.line == top:
        return 0.0
    train, val = batches(prepared, "train"), batches(prepared, "val")
    if not val and judged:
        train, val = train * (FOLDS - 1) + train, train
    live = 1 - phase.line / top
    step = verdict.seconds("training") * (1 - BACKWARD_SHARE * (1 - live))
    train *= 1 + phase.mix
    updates = _steps(prepared, train) * OF_WEIGHT * live * _weights(prepared)
    return phase.passes * (train * step + updates + val * verdict.seconds("inference"))


def _steps(prepared: Prepared, size: float) -> float:
    """Returns the steps of a pass over so many of the probe's batches."""
    rows = len(prepared.encoded["train"])
    of_pass = rows / int(prepared.chosen.batch_size.value)
    return size / max(batches(prepared, "train"), 1e-9) * of_pass


def _weights(prepared: Prepared) -> int:
    """Returns the trunk's weights that cost a processor time in each step.

    Not those of a token table, few of whose rows are used; other devices have fast memory.
    """
    if torch.device(prepared.device).type != "cpu":
        return 0
    trunk = prepared.network.trunk
    table = table_of(trunk)
    return sum(p.numel() for p in trunk.parameters()) - (table.weight.numel() if table else 0)


def closing_seconds(prepared: Prepared, verdict: Verdict, *, ending: float = SAVING) -> float:
    """Returns the seconds that a run takes after its training: test, baselines, saving.

    Test rows are decoded or tokenised once more for it, and pictures all for the classic. The
    model of a network that is no starter is read back.

    Args:
        prepared: Its rows.
        verdict: Its timings.
        ending: Seconds to save the model, draw the report and end.
    """
    parts = prepared.dataset.parts
    rows = sum(len(part) for part in parts.values())
    beside = 0.0
    if prepared.settings.baselines:
        beside = (CLASSIC + PROBED) * rows + _of_classes(prepared)
        beside += prepared.reading * rows * (prepared.dataset.modality == "image")
    scored = pass_seconds(prepared, verdict, part="test") + prepared.reading * len(parts["test"])
    back = 0.0 if is_starter(prepared) else OF_BYTE * _model_bytes(prepared)
    return scored + beside + back + ending


def _model_bytes(prepared: Prepared) -> int:
    return sum(weight.nbytes for weight in prepared.network.parameters())


def _of_classes(prepared: Prepared) -> float:
    """Returns the seconds that the baselines take for there being many classes."""
    rows = sum(len(part) for part in prepared.dataset.parts.values())
    return OF_CLASS * rows * max(0, len(prepared.dataset.classes) - USUAL)


def spared(prepared: Prepared, verdict: Verdict, *, say: Say) -> Prepared:
    """Returns the same without baselines, where a limit of seconds has no room for them.

    Args:
        prepared: Its settings may have a limit.
        verdict: Its timings.
        say: Told what is left out.
    """
    settings, limit = prepared.settings, prepared.settings.max_seconds
    if not limit or not settings.baselines:
        return prepared
    parts: tuple[Part, ...] = ("train", "val", "test")
    passed = sum(pass_seconds(prepared, verdict, part=part) for part in parts)
    fitted = _of_classes(prepared)
    if passed + fitted <= DEAR * limit:
        return prepared
    dear, seconds = max(
        ("a pass over all rows takes", passed),
        (f"{len(prepared.dataset.classes):,} classes take them", fitted),
        key=lambda each: each[1],
    )
    say(
        f"max_seconds = {limit:g}: {dear} about {seconds:.0f} s, so the "
        "classic and the linear probe are left out"
    )
    return replace(prepared, settings=settings.model_copy(update={"baselines": False}))


def tell_room(prepared: Prepared, place: Path, *, say: Say, steps: bool) -> None:
    """Says where a disk has less room than a run may want for it; that stops nothing.

    Args:
        prepared: Its network.
        place: The run's folder.
        say: Told how many bytes are free, and how many may be wanted.
        steps: Whether the trunk is trained: of a head alone, and in folds, no checkpoint is kept.
    """
    model = _model_bytes(prepared)
    # One more is written before the oldest goes.
    kept = GENERATIONS + 1 if steps and len(prepared.dataset.parts["val"]) else 0
    wanted = model + kept * KEPT * model
    with suppress(OSError):  # a system that does not tell
        free = shutil.disk_usage(place).free
        if free < wanted:
            say(
                f"warning: the disk of {place} has {free / 1e6:,.1f} MB left, and the run's "
                f"checkpoints and model may take {wanted / 1e6:,.1f} MB"
            )
