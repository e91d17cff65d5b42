"""Answers texts, files and folders with a finished run, every row in its place."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from regraft.data.guess import Roles
from regraft.data.load import load_inputs
from regraft.data.reading.sources import looks_like_path
from regraft.data.rows import UNLABELLED, Input, Origin, Rows
from regraft.errors import DataError
from regraft.runs.fitting.prepare import pick_device
from regraft.serving.model import Answers, Model
from regraft.serving.store import load
from regraft.settings import PredictSettings
from regraft.training.progress import Progress, Silent


@dataclass(frozen=True)
class PredictOutcome:
    """What came out: the input's columns with ours behind, and rows that failed.

    Args:
        table: N rows in the input's order.
        problems: Sentences on the rows that could not be read.
    """

    table: pa.Table
    problems: list[str]


def predict(
    run: str | Path | Model, data: str | Path | Sequence[Input], *, suffix: str = ""
) -> PredictOutcome:
    """Returns the input's rows with prediction, confidence, probabilities and error.

    Args:
        run: A run folder, or a model that `load` gave.
        data: A path, or a list of texts, image paths or arrays of pixels.
        suffix: Put behind the names of our columns, where the input has the same.

    Raises:
        DataError: If the data cannot be read or a column's name is taken.
    """
    model = run if isinstance(run, Model) else load(run)
    if isinstance(data, str | Path):
        rows, table = load_inputs(str(data), model.modality, classes=model.classes)
        return _answered(model, rows, (table.frame, table.errors), suffix)
    return _listed(model, list(data), suffix)


def run_predict(settings: PredictSettings, progress: Progress | None = None) -> PredictOutcome:
    """Returns the answers that the command line asked for.

    Args:
        settings: Checked settings.
        progress: Told what happens.

    Raises:
        DataError: If an input looks like a path and does not exist, or cannot be read.
    """
    progress = progress or Silent()
    for word in settings.inputs:
        refuse_missing(word)
    model = load(settings.run, device=pick_device(settings.device))
    outcome = _of_inputs(model, settings)
    progress.finish()
    return outcome


def _of_inputs(model: Model, settings: PredictSettings) -> PredictOutcome:
    inputs = settings.inputs
    roles = Roles(**settings.columns)
    if inputs == ("-",):
        return _listed(model, [line.rstrip("\r\n") for line in sys.stdin], settings.suffix)
    if len(inputs) == 1 and _is_data(inputs[0]):
        rows, table = load_inputs(inputs[0], model.modality, classes=model.classes, roles=roles)
        return _answered(model, rows, (table.frame, table.errors), settings.suffix)
    return _listed(model, list(inputs), settings.suffix)


def _is_data(word: str) -> bool:
    return looks_like_path(word) or word.startswith(("starter:", "hf:"))


def refuse_missing(word: str) -> None:
    """Refuses a single word that looks like a path and does not exist: never a text.

    Raises:
        DataError: If it does.
    """
    if word == "-" or word.startswith(("starter:", "hf:")) or not looks_like_path(word):
        return
    if not Path(word).exists():
        raise DataError(
            f"{word} does not exist",
            expected="a path of data, or a text in quotes that does not look like a path",
        )


def _listed(model: Model, inputs: list[Input], suffix: str) -> PredictOutcome:
    """Answers inputs that came one by one, without a file of their own."""
    if not inputs:
        raise DataError("there is nothing to predict", expected="at least one text or image")
    shown = [text if isinstance(text, str) else f"pixels {i}" for i, text in enumerate(inputs)]
    name = "text" if model.modality == "text" else "image"
    origins = [Origin("input", i + 1) for i in range(len(inputs))]
    labels = np.full(len(inputs), UNLABELLED, np.int64)
    rows = Rows(model.modality, inputs, model.classes, labels, origins)
    return _answered(model, rows, (pa.table({name: shown}), {}), suffix)


def _answered(
    model: Model, rows: Rows, read: tuple[pa.Table, Mapping[int, str]], suffix: str
) -> PredictOutcome:
    frame, errors = read
    answers = answer_readable(model, rows, errors=errors)
    columns = prediction_columns(answers, model.classes, suffix=suffix)
    taken = [name for name in columns if name in frame.column_names]
    if taken:
        raise DataError(
            f"the input has a column {taken[0]!r} already",
            expected="no column of ours in it",
            hint="--suffix _regraft",
        )
    for name, column in columns.items():
        frame = frame.append_column(name, column)
    failed = zip(rows.origins, answers.errors, strict=True)
    return PredictOutcome(frame, [f"{origin}: {error}" for origin, error in failed if error])


def answer_readable(model: Model, rows: Rows, *, errors: Mapping[int, str]) -> Answers:
    """Returns the answers to N rows, those known to be unreadable with their reason.

    Args:
        model: Answers the others.
        rows: N rows.
        errors: Reason by row number.
    """
    fine = [i for i in range(len(rows)) if i not in errors]
    found = model.answer([rows.inputs[i] for i in fine])
    probabilities = np.full((len(rows), len(model.classes)), np.nan)
    probabilities[fine] = found.probabilities
    reasons = dict(errors) | dict(zip(fine, found.errors, strict=True))
    return Answers(probabilities, tuple(reasons[i] for i in range(len(rows))))


def prediction_columns(
    answers: Answers, classes: Iterable[str], *, suffix: str
) -> dict[str, pa.Array]:
    """Returns our columns: prediction, confidence, one probability a class, error.

    Args:
        answers: (N, K) probabilities and N errors.
        classes: Names of the K classes.
        suffix: Put behind each column's name.
    """
    names = list(classes)
    read = np.asarray(~np.isnan(answers.probabilities).any(axis=1), bool)
    best = np.where(read[:, None], answers.probabilities, 0).argmax(axis=1)
    predictions = [names[i] if ok else None for i, ok in zip(best, read, strict=True)]
    confidence = np.where(read, answers.probabilities.max(axis=1, initial=0), np.nan)
    columns: dict[str, Any] = {
        "prediction": pa.array(predictions, pa.string()),
        "confidence": _numbers(confidence, read),
    }
    for number, name in enumerate(names):
        columns[f"p_{name}"] = _numbers(answers.probabilities[:, number], read)
    columns["error"] = pa.array([error or None for error in answers.errors], pa.string())
    return {name + suffix: column for name, column in columns.items()}


def _numbers(values: Any, read: Any) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~read)
