"""Makes the text of `run.toml` and of `problems.csv` from what was prepared."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from regraft.data.rows import Problem
from regraft.runs.fitting.prepare import Prepared
from regraft.settings import write_toml
from regraft.training.precision import Verdict


def run_toml(prepared: Prepared, verdict: Verdict) -> str:
    """Returns the resolved settings and every verdict that a repeat must reuse, as TOML."""
    content: dict[str, Any] = {
        "settings": resolved(prepared),
        "precision": {
            "training": verdict.training.precision,
            "inference": verdict.inference.precision,
        },
        "attention": {
            "training": verdict.training.attention,
            "inference": verdict.inference.attention,
        },
        "machine": {"processor": verdict.processor, "device": verdict.training.device},
        "probe": {"seconds": verdict.timings},
    }
    return write_toml(content)


def resolved(prepared: Prepared) -> dict[str, Any]:
    """Returns the settings with what was left open filled in; without empty values."""
    values = prepared.settings.model_dump(mode="json")
    for choice in prepared.chosen.listed():
        if choice.value is not None and choice.name in values:
            values[choice.name] = choice.value
    return {name: value for name, value in values.items() if value not in (None, "")}


def problems_csv(problems: Sequence[Problem]) -> str:
    """Returns a table of the rows that were left out, and why."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "line", "reason"))
    for problem in problems:
        origin = problem.origin
        writer.writerow((origin.file, origin.line or "", problem.reason))
    return text.getvalue()
