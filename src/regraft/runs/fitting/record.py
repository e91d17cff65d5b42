"""Makes the text of `run.toml` and of `problems.csv` from what was prepared."""

import csv
import io
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from regraft.data.rows import Problem
from regraft.runs.choosing.defaults import TYPED
from regraft.runs.choosing.line import frozen_words
from regraft.runs.fitting.folder import SETTINGS, RunFolder
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.repeat import installed
from regraft.settings import AdaptSettings, FitSettings
from regraft.strategies.table import AUTO
from regraft.toml import write_toml
from regraft.training.precision import Verdict

PLACES = ("data", "backbone", "source")
"""Settings that may be paths."""
OF_STRATEGY = ("lr", "layer_decay", "epochs", "batch_size", "freeze")
"""What is filled in by the strategy: not before there is one."""


def begun_toml(settings: FitSettings | AdaptSettings) -> str:
    """Returns the settings as typed: with them a run goes on that was stopped very early.

    Args:
        settings: Of a run whose network's modes are not measured yet.
    """
    typed = settings.model_dump(mode="json", exclude={"out"}, exclude_defaults=True)
    places = [name for name in (*PLACES, "target") if typed.get(name)]
    placed: dict[str, Any] = {name: absolute(typed[name]) for name in places}
    if "sources" in typed:
        placed["sources"] = [absolute(name) for name in typed["sources"]]
    if isinstance(settings, AdaptSettings):
        placed["method"] = settings.method  # by it a folder is known for an adaptation
    if settings.repeat is not None:
        placed["repeat"] = str(settings.repeat.resolve())
    return write_toml({"measured": False, "settings": {**typed, **placed}})


def run_toml(prepared: Prepared, verdict: Verdict) -> str:
    """Returns the resolved settings and every verdict that a repeat must reuse, as TOML."""
    tables = {"left_open": left_open(prepared), "settings": resolved(prepared)}
    return write_toml({**tables, **measured(verdict)})


def measured(verdict: Verdict) -> dict[str, Any]:
    """Returns the tables of what was measured, and on which machine: `run.toml` repeats it."""
    return {
        "precision": {
            "training": verdict.training.precision,
            "inference": verdict.inference.precision,
        },
        "attention": {
            "training": verdict.training.attention,
            "inference": verdict.inference.attention,
        },
        "machine": {
            "processor": verdict.processor,
            "device": verdict.training.device,
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "versions": installed(),
        },
        "probe": {"seconds": verdict.timings},
    }


def resolved(prepared: Prepared) -> dict[str, Any]:
    """Returns the settings with what was left open filled in; without empty values.

    What depends on the strategy stays open while `auto` has not chosen one.
    """
    values = prepared.settings.model_dump(mode="json", exclude={"repeat"})
    waiting = OF_STRATEGY if prepared.settings.strategy == AUTO else ()
    for choice in prepared.chosen.listed():
        if choice.value is not None and choice.name in values and choice.name not in waiting:
            values[choice.name] = choice.value
    if "freeze" not in waiting:
        words = [str(prepared.chosen.freeze.value), *frozen_words(prepared.settings)[1]]
        values["freeze"] = ",".join(words)
    # A run may be gone on with, or repeated, from another folder than it was started in.
    values |= {name: absolute(values[name] or "") for name in PLACES}
    return {name: value for name, value in values.items() if value not in (None, "")}


def keep_decisions(folder: RunFolder, decided: Mapping[str, bool]) -> None:
    """Adds to a run's settings what the cache decided by the clock, for a run that repeats it.

    Args:
        folder: Of the run.
        decided: Of the cache.
    """
    if decided:
        written = tomllib.loads((folder.path / SETTINGS).read_text("utf-8"))
        folder.write(SETTINGS, write_toml({**written, "kept": decided}))


def absolute(name: str) -> str:
    """Returns a path that is there as it is from everywhere; any other name as it is."""
    try:
        return str(Path(name).resolve()) if name and Path(name).exists() else name
    except OSError:  # a name that no file could have
        return name


def left_open(prepared: Prepared) -> list[str]:
    """Returns the names of the settings that nobody typed, here or for the run repeated."""
    filled = {c.name for c in prepared.chosen.listed() if c.reason != TYPED}
    earlier = prepared.earlier.left_open if prepared.earlier else frozenset()
    return sorted(filled | earlier)


def problems_csv(problems: Sequence[Problem]) -> str:
    """Returns a table of the rows that were left out, and why."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "line", "reason"))
    for problem in problems:
        origin = problem.origin
        writer.writerow((origin.file, origin.line or "", problem.reason))
    return text.getvalue()
