"""Makes a trained network from what was prepared: one session, or folds and a last one."""

import math
import time
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from regraft.backbones.weights import put_weights, state_of
from regraft.data.encode import Encoded
from regraft.data.mapped.digests import digests_of
from regraft.data.parting.units import unit_keys
from regraft.data.reading.pictures import open_picture
from regraft.data.rows import Part, Rows
from regraft.data.split import content_key
from regraft.errors import DataError
from regraft.features import cached
from regraft.runs.choosing.budget import pass_seconds
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.sessions import examples, new_session, top_level
from regraft.training.batching.folds import (
    FOLDS,
    assign_folds,
    mean_records,
    passes,
    shared_epochs,
    until,
)
from regraft.training.keeping.between import SHARES
from regraft.training.keeping.keeper import Keeper
from regraft.training.loop import work
from regraft.training.phase import Phase
from regraft.training.precision import Verdict
from regraft.training.progress import EpochRecord, Progress
from regraft.training.selecting import check_finite, selection_key
from regraft.training.session import Examples, Session

Logits = npt.NDArray[np.float32]
Pooled = dict[Part, Logits]
LAST_SHARE = 1.5
"""Time kept for the last session, in folds: it sees 5/4 of their rows."""
SOON = 1.0
"""Seconds that the last session has in any case, for the passes that the folds have chosen."""


@dataclass(frozen=True)
class Trained:
    """What training came to; the network itself is in the session.

    Args:
        session: The session that made the last weights.
        val_logits: (M, K) of the chosen epoch on validation rows, or out of fold; none where
            there was nothing to choose.
        val_labels: (M,) their labels.
        records: Epochs of the session, or of the folds' mean where there were folds.
        folds: (N,) fold of each training row; empty where there is a validation part.
    """

    session: Session
    val_logits: Logits
    val_labels: npt.NDArray[np.int64]
    records: list[EpochRecord]
    folds: npt.NDArray[np.int64]


def train(
    prepared: Prepared,
    verdict: Verdict,
    *,
    pooled: Pooled,
    progress: Progress,
    deadline: float = math.inf,
    keepers: tuple[Keeper | None, Keeper | None] = (None, None),
) -> Trained:
    """Returns the trained network, its epochs chosen on validation rows or by folds.

    Args:
        prepared: Data, network and phases.
        verdict: Modes of training and inference.
        pooled: Features of the trunk as it came, by part; may be empty.
        progress: Told of every step and epoch.
        deadline: `time.monotonic()` at which all sessions together shall be over.
        keepers: Of checkpoints, and of the one that a control starts from; folds have
            none, they are short.

    Raises:
        DataError: If there are too few rows to leave some out in turn.
        SettingsError: If the training diverged (raised by `check_finite`).
    """
    if len(prepared.dataset.parts["val"]):
        return _once(prepared, verdict, pooled, progress, (deadline, *keepers))
    return _folded(prepared, verdict, pooled, progress, deadline)


def train_unjudged(
    prepared: Prepared,
    verdict: Verdict,
    *,
    pooled: Pooled,
    progress: Progress,
    deadline: float = math.inf,
) -> Trained:
    """Returns the network trained on all rows once, where folds would choose nothing.

    Args:
        prepared: Data without validation rows, network, and phases of one scored epoch.
        verdict: Modes of training and inference.
        pooled: Features of the trunk as it came, by part; may be empty.
        progress: Told of every step and epoch.
        deadline: `time.monotonic()` at which the session shall be over.
    """
    progress.say("no rows are left out: there is no epoch to choose")
    everything = examples(prepared, "train")
    rows = (everything, _take(everything, np.zeros(0, np.int64)))
    session = new_session(prepared, verdict, rows=rows, progress=progress, deadline=deadline)
    reserve = pass_seconds(prepared, verdict, part="train")
    session.options = replace(session.options, anneal=math.isfinite(deadline), reserve=reserve)
    if "train" in pooled:
        session.keep_pooled("train", pooled["train"])
    work(session, prepared.phases)
    check_finite(session.network, session.pooled("train"))
    none = np.zeros(0, np.int64)
    return Trained(session, session.chosen_logits(), none, session.records, none)


def pool_parts(prepared: Prepared, verdict: Verdict, *, test: Encoded | None) -> Pooled:
    """Returns the features of every part, computed once with the trunk as it came.

    Args:
        prepared: Data and network.
        verdict: Mode of inference.
        test: Encoded test rows, or None where there are none.
    """
    parts: dict[Part, Encoded] = dict(prepared.encoded)
    if test is not None:
        parts["test"] = test
    return {
        part: cached.pooled(top_level(prepared, verdict), rows, cache=prepared.cache)
        for part, rows in parts.items()
        if len(rows)
    }


def fold_keys(rows: Rows) -> list[str]:
    """Returns what must not part: the key of each row's unit, as the split makes them."""
    seen = rows.inputs
    if rows.modality == "image":
        seen = [np.asarray(open_picture(source)) for source in rows.inputs]
    keys = digests_of(map(content_key, seen), len(seen))
    return [key.tobytes().hex() for key in unit_keys(keys, rows.groups)]


def _once(
    prepared: Prepared,
    verdict: Verdict,
    pooled: Pooled,
    progress: Progress,
    kept: tuple[float, Keeper | None, Keeper | None],
) -> Trained:
    rows = (examples(prepared, "train"), examples(prepared, "val"))
    session = new_session(prepared, verdict, rows=rows, progress=progress, deadline=kept[0])
    _, session.keeper, session.fork = kept
    if math.isfinite(kept[0]):
        # An average looks at the validation rows once for each point on its way.
        averaged = len(SHARES) if any(phase.average for phase in prepared.phases) else 0
        once = pass_seconds(prepared, verdict, part="val")
        session.options = replace(
            session.options, anneal=True, reserve=once, averaging=averaged * once
        )
    for part in ("train", "val"):
        if part in pooled:
            session.keep_pooled(part, pooled[part])
    work(session, prepared.phases)
    found = session.chosen_logits()
    none = np.zeros(0, np.int64)
    return Trained(session, found, session.val.labels, session.records, none)


def _folded(
    prepared: Prepared, verdict: Verdict, pooled: Pooled, progress: Progress, deadline: float
) -> Trained:
    """Chooses the epoch on rows left out in turn, then trains on all of them."""
    everything = examples(prepared, "train")
    rows = prepared.dataset.parts["train"]
    folds = assign_folds(fold_keys(rows), rows.labels)
    held_out = np.unique(folds)
    if len(held_out) < 2:
        raise DataError(
            f"{len(rows)} training rows are too few to choose the epochs on rows left out",
            expected="two different rows of a class at the least",
        )
    start = state_of(prepared.network)
    features = pooled.get("train")
    if features is None:
        features = cached.pooled(
            top_level(prepared, verdict), everything.rows, cache=prepared.cache
        )
    sessions = []
    for number, fold in enumerate(held_out, 1):
        progress.say(f"fold {number} of {len(held_out)}: choosing the number of epochs")
        until_then = _fold_deadline(deadline, left=len(held_out) - number + 1)
        part = (everything, features, folds == fold)
        sessions.append(_fold(prepared, verdict, part, progress, until_then))
        put_weights(prepared.network, start)
    records = [session.records for session in sessions]
    shared = shared_epochs(records)
    found = [_out_of_fold(sessions, folds, key) for key in shared]
    keys = [selection_key(f, rows.labels, options=sessions[0].options) for f in found]
    best = max(range(len(keys)), key=lambda i: keys[i])
    check_finite(prepared.network, found[best])
    progress.say(f"training on all {len(rows)} rows")
    phases = until(prepared.phases, shared[best], reached=passes(records))
    last = _last(prepared, verdict, (everything, features, phases), progress, deadline)
    return Trained(last, found[best], rows.labels, mean_records(records, best), folds)


def _fold(
    prepared: Prepared,
    verdict: Verdict,
    rows: tuple[Examples, Logits, npt.NDArray[np.bool_]],
    progress: Progress,
    deadline: float,
) -> Session:
    everything, features, held = rows
    inside, outside = np.flatnonzero(~held), np.flatnonzero(held)
    parts = (_take(everything, inside), _take(everything, outside))
    session = new_session(prepared, verdict, rows=parts, progress=progress, deadline=deadline)
    # The rows held out are scored: they must not choose the penalty as well.
    if math.isfinite(deadline):
        once = pass_seconds(prepared, verdict, part="train")
        session.options = replace(session.options, anneal=True, reserve=once / FOLDS)
    session.options = replace(session.options, patience=None, penalty_on_val=False, watched=False)
    session.keep_pooled("train", features[inside])
    session.keep_pooled("val", features[outside])
    work(session, prepared.phases)
    return session


def _last(
    prepared: Prepared,
    verdict: Verdict,
    chosen: tuple[Examples, Logits, list[Phase]],
    progress: Progress,
    deadline: float,
) -> Session:
    everything, features, phases = chosen
    nothing = _take(everything, np.zeros(0, np.int64))
    # Every phase that the folds have chosen is begun, however late it is.
    deadline = max(deadline, time.monotonic() + SOON)
    rows = (everything, nothing)
    session = new_session(prepared, verdict, rows=rows, progress=progress, deadline=deadline)
    session.options = replace(session.options, anneal=math.isfinite(deadline))
    session.keep_pooled("train", features)
    work(session, phases)
    return session


def _number(session: Session, key: tuple[str, int]) -> int:
    """Returns the number of an epoch among those that were scored."""
    scored = [(r.phase, r.epoch) for r in session.records if r.scored]
    return scored.index(key)


def _out_of_fold(
    sessions: list[Session], folds: npt.NDArray[np.int64], key: tuple[str, int]
) -> Logits:
    """Returns (N, K) logits of an epoch, of each row by the session that it was left out of."""
    whole: Logits = np.zeros((len(folds), sessions[0].network.head.classes), np.float32)
    for session, fold in zip(sessions, np.unique(folds), strict=True):
        whole[folds == fold] = session.val_logits[_number(session, key)]
    return whole


def _take(rows: Examples, indices: npt.NDArray[np.int64]) -> Examples:
    units = None if rows.units is None else rows.units[indices]
    return Examples(rows.rows.take(indices), rows.labels[indices], units)


def _fold_deadline(deadline: float, left: int) -> float:
    """Returns when a fold shall be over, so that those left and the last session have time."""
    now = time.monotonic()
    return now + (deadline - now) / (left + LAST_SHARE)
