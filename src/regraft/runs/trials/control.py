"""Trains the unfrozen twin of a run from its first freeze on, and compares the two."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from regraft.backbones.weights import put_weights
from regraft.errors import UserError
from regraft.runs.fitting.outcome import Outcome, model_of
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.sessions import examples, new_session
from regraft.runs.fitting.train import Trained
from regraft.scoring.intervals import paired_difference
from regraft.scoring.metrics import softmax
from regraft.scoring.scores import score
from regraft.training.keeping.keeper import Keeper
from regraft.training.loop import work
from regraft.training.precision import Verdict
from regraft.training.progress import Progress

Document = dict[str, Any]
NO_CONTROL = {
    "nothing": "Control: nothing froze on the way, so the unfrozen twin would be the run itself.",
    "folds": "No control: there are no validation rows, as there are few rows at all.",
    "lost": "No control: the checkpoint before the first freeze could not be written.",
}
NO_NUMBERS: Document = dict.fromkeys(("accuracy", "difference", "low", "high"))
"""What there is of a comparison where no twin was trained that differs."""


def train_control(
    prepared: Prepared,
    verdict: Verdict,
    *,
    made: tuple[Trained, Outcome],
    fork: Keeper,
    progress: Progress,
) -> Document:
    """Returns what the twin came to, and the run's accuracy less the twin's.

    The twin goes on from the checkpoint before the run's first freeze, with the same seed,
    batches and rates; what differs afterwards is the freezing alone. The network holds
    the run's weights again at the end.

    Args:
        prepared: Of the run.
        verdict: Modes of training and inference.
        made: What the run was trained to, and its answers.
        fork: Holds the checkpoint, and the twin's own later ones.
        progress: Told of every step and epoch.
    """
    trained, outcome = made
    kept = fork.latest()
    if kept is None:
        why = _why_none(trained)
        beside = _as_itself(outcome) if why == "nothing" else NO_NUMBERS
        return {**beside, "sentence": NO_CONTROL[why]}
    events = trained.session.ledger.events
    shared = next(event.step for event in events if event.kind == "threshold")
    progress.say("control: the same training from there on, with nothing frozen")
    weights = {n: t.detach().clone() for n, t in prepared.network.state_dict().items()}
    started = time.perf_counter()
    rows = (examples(prepared, "train"), examples(prepared, "val"))
    session = new_session(_unfrozen(prepared), verdict, rows=rows, progress=progress)
    session.keeper = fork
    session.start = trained.session.start
    try:
        work(session, prepared.phases)
    except UserError as error:  # the run itself is done and saved
        put_weights(prepared.network, weights)
        return {**NO_NUMBERS, "sentence": f"No control: {error}."}
    seconds = time.perf_counter() - started
    test = softmax(session.chosen_logits()), session.val.labels
    if len(outcome.test):
        answers = model_of(prepared, verdict).answer(outcome.test.inputs)
        test = answers.probabilities, outcome.test.labels
    put_weights(prepared.network, weights)
    own = outcome.probabilities if len(outcome.test) else outcome.val
    found = _compared(own, *test)
    return {
        "part": "test" if len(outcome.test) else "val",
        "shared_steps": shared,
        "steps": session.step,
        "seconds": round(seconds, 3),
        **found,
        "sentence": control_words(found, steps=session.step - shared),
    }


def control_words(found: Mapping[str, Any], *, steps: int) -> str:
    """Returns what freezing did to the accuracy, in one sentence.

    >>> gap = {"difference": -0.003, "low": -0.009, "high": 0.002}
    >>> control_words({"accuracy": {"value": 0.842}, **gap}, steps=40)
    'Control: 40 further steps with nothing frozen reach 0.842; freezing changed the accuracy \
by -0.3 points (95 % interval -0.9 to +0.2).'
    """
    low, value, high = (100 * found[name] for name in ("low", "difference", "high"))
    return (
        f"Control: {steps} further steps with nothing frozen reach "
        f"{found['accuracy']['value']:.3f}; freezing changed the accuracy by {value:+.1f} points "
        f"(95 % interval {low:+.1f} to {high:+.1f})."
    )


def _why_none(trained: Trained) -> str:
    if not len(trained.session.val):
        return "folds"
    froze = any(event.kind == "threshold" for event in trained.session.ledger.events)
    return "lost" if froze else "nothing"


def _as_itself(outcome: Outcome) -> Document:
    """Returns the comparison with a twin that would be the run itself."""
    if len(outcome.test):
        own, labels, part = outcome.probabilities, outcome.test.labels, "test"
    else:
        own, labels, part = outcome.val, outcome.val_labels, "val"
    return {"part": part, **_compared(own, own, labels)}


def _unfrozen(prepared: Prepared) -> Prepared:
    return replace(
        prepared, settings=prepared.settings.model_copy(update={"freeze_threshold": "off"})
    )


def _compared(
    own: npt.NDArray[np.float64], other: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]
) -> Document:
    """Returns the twin's accuracy, and the run's less the twin's, paired row by row."""
    right = [np.asarray(p.argmax(axis=1) == labels, np.float64) for p in (own, other)]
    gap = paired_difference(right[0], right[1])
    return {
        "accuracy": score(other, labels).as_json()["accuracy"],
        "difference": gap.value,
        "low": gap.low,
        "high": gap.high,
    }
