"""Scores a finished run on labelled data: the same answers as `predict`, with labels."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from regraft.data.guess import Roles
from regraft.data.load import load_inputs
from regraft.data.rows import UNLABELLED, Rows
from regraft.errors import DataError
from regraft.runs.fitting.prepare import pick_device
from regraft.runs.predict import answer_readable, refuse_missing
from regraft.scoring import metrics
from regraft.scoring.scores import score
from regraft.serving.model import Model
from regraft.serving.store import load
from regraft.settings import EvaluateSettings
from regraft.training.progress import Progress, Silent


def evaluate(run: str | Path, data: str | Path) -> dict[str, Any]:
    """Returns the scores of a run on labelled data.

    Args:
        run: A run folder.
        data: A path or name of data with labels.

    Raises:
        DataError: If the data cannot be read or have no labels.
    """
    return run_evaluate(EvaluateSettings(run=Path(run), data=str(data)), Silent())


def run_evaluate(settings: EvaluateSettings, progress: Progress) -> dict[str, Any]:
    """Returns the scores that the command line asked for.

    Rows without a label, or that cannot be read, are left out and counted.

    Raises:
        DataError: If the data cannot be read or have no labels.
    """
    refuse_missing(settings.data)
    model = load(settings.run, device=pick_device(settings.device))
    roles = Roles(**settings.columns)
    rows, table = load_inputs(settings.data, model.modality, classes=model.classes, roles=roles)
    if not (rows.labels != UNLABELLED).any():
        raise DataError(
            f"{settings.data} has no labels that {settings.run} knows",
            expected=f"a column with labels such as {', '.join(model.classes[:5])}",
            hint="--label COLUMN",
        )
    document = _document(model, rows, table.errors)
    progress.finish()
    return {"run": str(settings.run), "data": settings.data, **document}


def _document(model: Model, rows: Rows, errors: Mapping[int, str]) -> dict[str, Any]:
    answers = answer_readable(model, rows, errors=errors)
    read = np.array([not error for error in answers.errors], bool)
    used = np.flatnonzero(read & (rows.labels != UNLABELLED))
    labels = rows.labels[used]
    probabilities = answers.probabilities[used]
    counts = metrics.confusion(labels, probabilities.argmax(axis=1), classes=len(model.classes))
    named = zip(model.classes, metrics.per_class(counts), strict=True)
    problems = zip(rows.origins, answers.errors, strict=True)
    return {
        "rows": len(used),
        "left_out": len(rows) - len(used),
        "scores": {"test": score(probabilities, labels).as_json()},
        "classes": list(model.classes),
        "confusion": counts.tolist(),
        "per_class": [{"class": name, **vars(values)} for name, values in named],
        "problems": [f"{origin}: {error}" for origin, error in problems if error],
    }
