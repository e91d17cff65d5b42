"""Makes one trial: settings, a seed and a share of the labels become scores."""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch

from regraft.errors import DivergedError
from regraft.runs.choosing.opening import Network
from regraft.runs.comparing.diverged import diverged_record
from regraft.runs.comparing.folder import COMPARE, UNDER_WAY
from regraft.runs.comparing.records import read_record, trial_name, write_record
from regraft.runs.fit import complete, run_fit
from regraft.runs.fitting.folder import RESULT, RunFolder
from regraft.runs.fitting.prepare import prepare
from regraft.runs.report import read_result
from regraft.settings import FitSettings
from regraft.training.progress import Progress

Document = dict[str, Any]
KEPT = ("data", "backbone", "strategy", "seed", "scores", "trained_share", "environment")
"""Of the result of a fit."""


def trial_config(
    shared: Mapping[str, Any], digests: Mapping[str, str], *, own: Mapping[str, Any]
) -> Document:
    """Returns what a trial is a function of, as plain JSON.

    Args:
        shared: Settings that all trials of the comparison have in common.
        digests: Of the rows and of the network's weights.
        own: The trial's strategy, seed and fraction.
    """
    return {"settings": {**shared, **own, "baselines": False}, "digests": dict(digests)}


def trial(
    config: Document,
    source: object,
    *,
    out: Path,
    progress: Progress,
    network: Network | None = None,
) -> Document:
    """Returns what one fit came to; asked again, what it came to the first time.

    A trial that was stopped goes on from its last checkpoint; one that diverged has a record
    that says so, and no scores.

    Args:
        config: Plain JSON, as `trial_config` makes it.
        source: The data as given: a path or name, lists, a frame.
        out: Folder of the comparison; nothing outside it is written.
        progress: Told of every phase and step.
        network: The backbone where it is a Python object; None = the one that is named.

    Raises:
        DataError: If the share has too few rows.
        DamagedFileError: If what the trial came to is there, and cannot be read.
        StorageError: If the disk or a permission says no.
    """
    known = read_record(out, config)
    if known is not None:
        return known
    run = out / UNDER_WAY / trial_name(config)
    settings = FitSettings(**config["settings"], out=run, repeat=out / COMPARE)
    started = time.monotonic()
    try:
        found = _record(_fitted(settings, source, progress=progress, network=network), run)
    except DivergedError as error:  # it would again, and is no reason to lose the others
        own = config["settings"]
        found = diverged_record(error, own, seconds=time.monotonic() - started)
    record = write_record(out, config, record=found)
    shutil.rmtree(run, ignore_errors=True)
    return record


def _fitted(
    settings: FitSettings, source: object, *, progress: Progress, network: Network | None
) -> Document:
    """Fits anew, goes on where a run was stopped, or reads the result of one that is done."""
    assert settings.out is not None, "a trial has its own folder"
    folder = RunFolder(settings.out)
    if (folder.path / RESULT).exists():
        return read_result(folder.path)
    if not folder.begun:
        shutil.rmtree(folder.path, ignore_errors=True)
        return run_fit(settings, progress, source=source, network=network, report=False)
    with folder.alone():
        started = time.monotonic()
        torch.manual_seed(settings.seed)
        folder.sweep()
        prepared = prepare(settings, source, say=progress.say, network=network)
        return complete(folder, prepared, progress=progress, started=started, report=False)


def _record(result: Mapping[str, Any], run: Path) -> Document:
    seconds = result["seconds"]
    (weights,) = [each["value"] for each in result["defaults"] if each["name"] == "class_weights"]
    return {
        **{name: result[name] for name in KEPT},
        "class_weights": weights,
        "seconds": {"chosen": seconds["chosen"], "total": seconds["total"]},
        "proof": result["freezing"]["proof"]["holds"],
        "right": _right(run / "predictions-test.parquet"),
    }


def _right(place: Path) -> str:
    """Returns 1 for each test row that was answered rightly, else 0, in order."""
    table = pq.read_table(place, columns=["label", "prediction"])
    pairs = zip(table["label"].to_pylist(), table["prediction"].to_pylist(), strict=True)
    return "".join("01"[int(label == answer)] for label, answer in pairs)
