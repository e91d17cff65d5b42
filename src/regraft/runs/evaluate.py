"""Scores a finished run on labelled data: the same answers as `predict`, with labels."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from regraft.data.guess import Roles
from regraft.data.load import Reading, load_inputs
from regraft.data.mapped.digests import shortened
from regraft.data.reading.sources import exists, is_named
from regraft.data.reading.tables import Table, missing_path
from regraft.data.rows import UNLABELLED, Rows
from regraft.errors import DataError, counted
from regraft.features.cached import Cache
from regraft.runs.choosing.device import pick_device
from regraft.runs.fitting.folder import RESULT, SETTINGS
from regraft.runs.fitting.outcome import read_learnt
from regraft.runs.fitting.result import surroundings
from regraft.runs.predict import PYTHON, answer_readable, refuse_missing, refuse_out
from regraft.runs.report import read_result
from regraft.scoring import metrics
from regraft.scoring.scores import score
from regraft.serving.model import Model
from regraft.serving.store import load
from regraft.settings import EvaluateOptions, EvaluateSettings
from regraft.toml import read_toml
from regraft.training.progress import Progress, Silent, told_rows

OF_RUN = ("backbone", "strategy", "seed", "trained_share", "freezing", "cache", "baselines")
"""What a document shares with that of the run: its baselines are scores on its own test rows."""


def evaluate(run: str | Path, data: object, **options: Unpack[EvaluateOptions]) -> dict[str, Any]:
    """Returns the scores of a run on labelled data, or on its test rows if it has a split.

    Args:
        run: A run folder.
        data: A path or name of data with labels, a pair of lists (inputs, labels), or a
            frame with columns.
        **options: The other fields of `EvaluateSettings`, such as names of columns.

    Raises:
        SettingsError: If an option cannot be used.
        DataError: If the data cannot be read or have no labels.
    """
    refuse_out(options)
    named = str(data) if isinstance(data, str | Path) else PYTHON
    settings = EvaluateSettings(run=Path(run), data=named, **options)
    return run_evaluate(settings, Silent(), source=data)


def run_evaluate(
    settings: EvaluateSettings, progress: Progress, *, source: object = None
) -> dict[str, Any]:
    """Returns the scores that the command line asked for.

    Where the data have a split, only the test rows are scored. Rows without a label, or that
    cannot be read, are left out and counted.

    Args:
        settings: Checked settings.
        progress: Told which rows are scored, and when it is done.
        source: The data where they are Python objects; None = `settings.data`.

    Raises:
        SettingsError: If the limit of the cache is none.
        DataError: If the data cannot be read or have no labels.
    """
    marks = [time.perf_counter()]
    data = settings.data if source is None else source
    if isinstance(data, str):
        _refuse_text(data)
    model = load(settings.run, device=pick_device(settings.device))
    model = replace(model, cache=Cache(settings.cache, progress.say))
    rows, table = load_inputs(
        data,
        model.modality,
        classes=model.classes,
        roles=Roles(**settings.columns),
        reading=Reading(model.columns, only_test=True, say=progress.say),
    )
    warnings = _learnt_from(settings, rows, table)
    marks.append(time.perf_counter())
    document = _document(model, rows, table, progress)
    document["warnings"] = [*warnings, *_left_out(document)]
    for warning in document["warnings"]:
        progress.say(f"warning: {warning}")
    if not document["rows"]:
        raise _no_labels(settings, model)
    progress.finish()
    marks.append(time.perf_counter())
    return {**_around(settings, model, marks), **document}


def _refuse_text(data: str) -> None:
    """Refuses a word that is the name of no data: a text has no label to score by."""
    refuse_missing(data)
    if not is_named(data) and not exists(data):
        raise missing_path(Path(data))


def _learnt_from(settings: EvaluateSettings, rows: Rows, table: Table) -> list[str]:
    """Returns a warning where the run learnt from rows that are to be scored."""
    learnt = read_learnt(settings.run)
    if learnt is None or rows.digests is None:  # A run from before that file was kept.
        return _of_same_place(settings, table)
    scored = rows.labels != UNLABELLED
    scored[list(table.errors)] = False
    count = int(np.isin(shortened(rows.digests[scored]), learnt).sum())
    if not count:
        return []
    return [
        f"of {counted(int(scored.sum()), 'row')} to be scored, {settings.run} learnt from "
        f"{count:,}: the scores look too good; {_elsewhere(settings.run)}"
    ]


def _of_same_place(settings: EvaluateSettings, table: Table) -> list[str]:
    """Returns a warning where data without a split have the path of those learnt from."""
    place = settings.run / SETTINGS
    if "split" in table.known or not place.is_file():
        return []
    known = str(read_toml(place).get("data", ""))
    if not known or Path(known).resolve() != Path(settings.data).resolve():
        return []
    return [
        f"{settings.run} was trained on {settings.data}: it knows most of these rows, and the "
        f"scores look too good; {_elsewhere(settings.run)}"
    ]


def _elsewhere(run: Path) -> str:
    return f"those of rows that it does not know are in {run / RESULT}"


def _no_labels(settings: EvaluateSettings, model: Model) -> DataError:
    return DataError(
        f"{settings.data} has no readable row with a label that {settings.run} knows",
        expected=f"a column with labels such as {', '.join(model.classes[:5])}",
        hint="--label COLUMN",
    )


def _around(settings: EvaluateSettings, model: Model, marks: list[float]) -> dict[str, Any]:
    """Returns what the document says of the run, the machine and the time."""
    start, loaded, end = marks
    # The keys of a fit's document: nothing is probed or trained here.
    seconds = {"data": loaded - start, "probe": 0.0, "train": 0.0, "evaluate": end - loaded}
    return {
        "run": str(settings.run),
        **_of_run(settings.run),
        "seconds": {name: round(s, 3) for name, s in {**seconds, "total": end - start}.items()},
        "environment": surroundings(model.mode),
    }


def _document(model: Model, rows: Rows, table: Table, progress: Progress) -> dict[str, Any]:
    told_of = told_rows(progress.say, len(rows), verb="scored")
    answers = answer_readable(model, rows, errors=table.errors, told=told_of)
    read = np.array([not error for error in answers.errors], bool)
    used = np.flatnonzero(read & (rows.labels != UNLABELLED))
    problems = zip(rows.origins, answers.errors, strict=True)
    told = [
        *(f"{origin}: {error}" for origin, error in problems if error),
        *(f"{problem.origin}: {problem.reason}" for problem in table.outside),
    ]
    return {
        "data": _data(model, table, rows=len(used), problems=len(told)),
        "rows": len(used),
        "left_out": len(rows) - len(used),
        "unreadable": int((~read).sum()),
        **(_scored(model, answers.probabilities[used], rows.labels[used]) if len(used) else {}),
        "problems": told,
    }


def _left_out(document: dict[str, Any]) -> list[str]:
    """Returns a warning where not all rows are scored, with the first reason."""
    count, total = document["left_out"], document["left_out"] + document["rows"]
    if not count:
        return []
    why = next(iter(document["problems"]), "they have no label")
    return [f"{count:,} of {counted(total, 'row')} not scored: {why}"]


def _data(model: Model, table: Table, *, rows: int, problems: int) -> dict[str, Any]:
    return {
        "name": table.name,
        "modality": model.modality,
        "classes": list(model.classes),
        "rows": {"test": rows},
        "split": "the test rows of the data" if "split" in table.known else "all rows",
        "columns": dict(table.known),
        "problems": problems,
    }


def _scored(
    model: Model, probabilities: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]
) -> dict[str, Any]:
    counts = metrics.confusion(labels, probabilities.argmax(axis=1), classes=len(model.classes))
    named = zip(model.classes, metrics.per_class(counts), strict=True)
    return {
        "scores": {**_validated(model.run), "test": score(probabilities, labels).as_json()},
        "classes": list(model.classes),
        "confusion": counts.tolist(),
        "per_class": [{"class": name, **vars(values)} for name, values in named],
    }


def _of_run(run: Path) -> dict[str, Any]:
    """Returns what the run's own result says of the model; nothing where it has none."""
    result = _result(run)
    return {key: result[key] for key in OF_RUN if key in result}


def _validated(run: Path | None) -> dict[str, Any]:
    """Returns the run's own scores on its validation rows, where it has any."""
    scores = (_result(run) if run else {}).get("scores", {})
    return {"val": scores["val"]} if "val" in scores else {}


def _result(run: Path) -> dict[str, Any]:
    try:
        return read_result(run)
    except DataError:
        return {}
