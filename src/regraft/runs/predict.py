"""Answers texts, files and folders with a finished run, every row in its place."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import pyarrow as pa

from regraft.data.guess import Roles
from regraft.data.load import Reading, load_inputs, open_inputs
from regraft.data.reading.cells import text_array
from regraft.data.reading.sources import exists, is_named, looks_like_path
from regraft.data.rows import Rows
from regraft.data.starters.wheels import Say, say_nothing
from regraft.errors import DataError, SettingsError
from regraft.features.cached import Cache
from regraft.runs.choosing.device import pick_device
from regraft.serving.model import Answers, Model, Told
from regraft.serving.store import load
from regraft.settings import PredictOptions, PredictSettings
from regraft.training.progress import Progress, Silent, told_rows

STDIN = "-"
PYTHON = "Python objects"


@dataclass(frozen=True)
class PredictOutcome:
    """What came out: the input's columns with ours behind, and rows that failed.

    Args:
        table: N rows in the input's order.
        problems: Sentences on the rows that could not be read, then on what is no row.
        outside: How many of them are on files, folders and parts of the source that are no rows.
    """

    table: pa.Table
    problems: list[str]
    outside: int = 0


def predict(
    run: str | Path | Model, data: object, **options: Unpack[PredictOptions]
) -> PredictOutcome:
    """Returns the input's rows with prediction, confidence, probabilities and error.

    Args:
        run: A run folder, or a model that `load` gave.
        data: A path, a text, a frame, or a list of texts, image paths or arrays of pixels.
        **options: The other fields of `PredictSettings`: names of columns, `suffix`, and, where
            it is not as `load` has it (on the processor, no features kept), `device` and `cache`.

    Raises:
        SettingsError: If an option cannot be used.
        DataError: If the data cannot be read or a column's name is taken.
    """
    refuse_out(options)
    place = run.run or Path() if isinstance(run, Model) else Path(run)
    settings = PredictSettings(run=place, inputs=(PYTHON,), **options)
    model = _opened(run, settings)
    return _answered(model, data, Roles(**settings.columns), settings.suffix, Silent().say)


def refuse_out(options: Mapping[str, object]) -> None:
    """Does nothing where the options of a verb in Python name no file to write.

    Raises:
        SettingsError: If they do.
    """
    if "out" in options:
        raise SettingsError(
            f"out = {str(options['out'])!r} cannot be used in Python",
            expected="what is returned to be written",
        )


def _opened(run: str | Path | Model, settings: PredictSettings) -> Model:
    """Returns the model as it was loaded, or as `load` gives it, but for what was asked for."""
    asked = settings.model_fields_set
    if not isinstance(run, Model):
        run = load(run, device=pick_device(settings.device) if "device" in asked else "cpu")
    elif "device" in asked:
        raise SettingsError(
            f"device = {settings.device!r} cannot be used with a model that was loaded",
            hint=f"load(run, device={settings.device!r})",
        )
    return replace(run, cache=Cache(settings.cache, say_nothing)) if "cache" in asked else run


def run_predict(settings: PredictSettings, progress: Progress | None = None) -> PredictOutcome:
    """Returns the answers that the command line asked for.

    Args:
        settings: Checked settings.
        progress: Told what happens.

    Raises:
        SettingsError: If the limit of the cache is none.
        DataError: If an input looks like a path and does not exist, or cannot be read.
    """
    progress = progress or Silent()
    for word in settings.inputs:
        refuse_missing(word)
    model = load(settings.run, device=pick_device(settings.device))
    model = replace(model, cache=Cache(settings.cache, progress.say))
    source = _source(settings.inputs, model)
    roles = Roles(**settings.columns)
    outcome = _answered(model, source, roles, settings.suffix, progress.say)
    progress.finish()
    return outcome


def refuse_missing(word: str) -> None:
    """Refuses a single word that looks like a path and does not exist: never a text.

    Raises:
        DataError: If it does.
    """
    if word == STDIN or is_named(word) or not looks_like_path(word):
        return
    if not exists(word):
        raise DataError(
            f"{word} does not exist",
            expected="a path of data, or a text in quotes that does not look like a path",
        )


def _source(words: tuple[str, ...], model: Model) -> object:
    """Returns the data that words on the command line mean."""
    if words == (STDIN,):
        return _lines(sys.stdin.buffer.read())
    if len(words) == 1 and (is_named(words[0]) or exists(words[0])):
        return words[0]
    for word in words:
        _refuse_among_others(word, model)
    return list(words)


def _refuse_among_others(word: str, model: Model) -> None:
    """Refuses what can only stand alone, or is no image for a network that reads images."""
    if model.modality == "image" and not exists(word):
        raise DataError(f"{word or repr(word)} does not exist", expected="paths of images")
    is_file = looks_like_path(word) and model.modality == "text"
    if word == STDIN or is_named(word) or is_file:
        raise DataError(f"{word} stands beside other inputs", expected=f"{word} alone, or texts")


def _lines(content: bytes) -> list[str]:
    lines = content.decode("utf-8-sig", "replace").split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.rstrip("\r") for line in lines]


def _answered(model: Model, source: object, roles: Roles, suffix: str, say: Say) -> PredictOutcome:
    reading = Reading(model.columns, say=say)
    opened = open_inputs(source, model.modality, say=say)
    rows, table = load_inputs(
        opened, model.modality, classes=model.classes, roles=roles, reading=reading
    )
    _refuse_taken(table.frame.column_names, [name + suffix for name in our_names(model.classes)])
    told = told_rows(say, len(rows), verb="predicted")
    answers = answer_readable(model, rows, errors=table.errors, told=told)
    frame = table.frame
    for name, column in prediction_columns(answers, model.classes, suffix=suffix).items():
        frame = frame.append_column(name, column)
    failed = zip(rows.origins, answers.errors, strict=True)
    problems = [f"{origin}: {error}" for origin, error in failed if error]
    # Labels that are none of the classes, which `table` tells of too, are no matter here.
    outside = [f"{problem.origin}: {problem.reason}" for problem in opened.outside]
    frame = frame.rename_columns(_as_they_came(frame.column_names, table.written))
    return PredictOutcome(frame, [*problems, *outside], len(outside))


def _as_they_came(names: Sequence[str], written: Mapping[str, str]) -> list[str]:
    """Returns names of columns as the input has them, where that makes no two alike."""
    wanted = [written.get(name, name) for name in names]
    count = Counter(wanted)
    return [came if count[came] == 1 else name for came, name in zip(wanted, names, strict=True)]


def _refuse_taken(theirs: Sequence[str], ours: Sequence[str]) -> None:
    taken = [name for name in ours if name in theirs]
    if taken:
        raise DataError(
            f"the input has a column {taken[0]!r} already",
            expected="no column of ours in it",
            hint="--suffix _regraft",
        )


def our_names(classes: Sequence[str]) -> list[str]:
    """Returns the names of our columns, in order.

    >>> our_names(["neg", "pos"])
    ['prediction', 'confidence', 'p_neg', 'p_pos', 'error']
    """
    return ["prediction", "confidence", *(f"p_{name}" for name in classes), "error"]


def answer_readable(
    model: Model, rows: Rows, *, errors: Mapping[int, str], told: Told | None = None
) -> Answers:
    """Returns the answers to N rows, those known to be unreadable with their reason.

    Args:
        model: Answers the others.
        rows: N rows.
        errors: Reason by row number.
        told: Told how many of the readable ones are done; None = nobody.
    """
    fine = [i for i in range(len(rows)) if i not in errors]
    found = model.answer(rows.take(np.array(fine, np.int64)).inputs, told=told)
    probabilities = np.full((len(rows), len(model.classes)), np.nan)
    probabilities[fine] = found.probabilities
    reasons = dict(errors) | dict(zip(fine, found.errors, strict=True))
    return Answers(probabilities, tuple(reasons[i] for i in range(len(rows))))


def prediction_columns(
    answers: Answers, classes: Sequence[str], *, suffix: str
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
    columns = [
        pa.array(predictions, pa.string()),
        _numbers(confidence, read),
        *(_numbers(column, read) for column in answers.probabilities.T),
        text_array([error or None for error in answers.errors]),
    ]
    ours = (name + suffix for name in our_names(names))
    return dict(zip(ours, columns, strict=True))


def _numbers(values: Any, read: Any) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~read)
