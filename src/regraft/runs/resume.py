"""Goes on with a run that was stopped: the verb that completes its folder."""

import shlex
from pathlib import Path
from typing import Any

import torch

from regraft.errors import DataError, SettingsError
from regraft.runs.adapt import run_adapt
from regraft.runs.choosing.clock import began
from regraft.runs.comparing.folder import COMPARE
from regraft.runs.fit import complete
from regraft.runs.fitting.commands import resume_command
from regraft.runs.fitting.folder import CHECKPOINTS, CONTROL, RESULT, SETTINGS, RunFolder
from regraft.runs.fitting.prepare import prepare
from regraft.settings import AdaptSettings, FitSettings
from regraft.strategies.table import is_imported, own_class
from regraft.toml import read_toml
from regraft.training.keeping.keeper import Keeper
from regraft.training.progress import Progress, Silent


def resume(run: str | Path, *, strategy: str | None = None) -> dict[str, Any]:
    """Returns the result document of a run that was stopped, completed now.

    On the same kind of machine, with the same versions, the weights and the ledger are those
    of a run that was never stopped, bit for bit.

    Args:
        run: The folder that `regraft fit` or `regraft adapt` left.
        strategy: The `module:Class` that the run trains by, where it does and nobody has imported
            it: a folder may come from a stranger, so none of its code is run unnamed.

    Raises:
        SettingsError: If the run is complete, was given Python objects or trains by code that is
            not named, or another process works on it.
        DataError: If the folder is no run, or its data cannot be used any more.
        BackboneError: If its network cannot be opened any more.
        StorageError: If the disk or a permission says no.
    """
    return run_resume(Path(run), Silent(), strategy=strategy)


def run_resume(run: Path, progress: Progress, *, strategy: str | None = None) -> dict[str, Any]:
    """Returns the result document; arguments and errors as for `resume`.

    Args:
        run: The folder of the run.
        progress: Told what happens.
        strategy: As it was typed; None = it was not.

    Raises:
        SettingsError: If the run is complete, was given Python objects or trains by code that is
            not named, or another process works on it.
        DataError: If the folder is no run, or its data cannot be used any more.
        BackboneError: If its network cannot be opened any more.
        StorageError: If the disk or a permission says no.
    """
    started = began()
    folder = RunFolder(run, made=False)
    with folder.alone():
        written = _written(folder)
        if "method" in written:
            adapting = _of_adaptation(written, run)
            _check_code(run, adapting.source_strategy, typed=strategy)
            folder.sweep()
            return run_adapt(adapting, progress, begun=folder)
        settings = _settings(written, run)
        _check_code(run, settings.strategy, typed=strategy)
        return _completed(folder, settings, progress=progress, started=started)


def _completed(
    folder: RunFolder, settings: FitSettings, *, progress: Progress, started: float
) -> dict[str, Any]:
    torch.manual_seed(settings.seed)
    folder.sweep()
    prepared = prepare(settings, settings.data, say=progress.say)
    try:
        return complete(folder, prepared, progress=progress, started=started)
    except KeyboardInterrupt:
        progress.say(f"go on with: {resume_command(folder.path, settings.strategy)}")
        raise
    finally:
        progress.finish()


def _check_code(run: Path, name: str, *, typed: str | None) -> None:
    """Refuses a strategy that is code and that nobody named: folders may come from strangers."""
    if typed is not None and typed != name:
        raise SettingsError(
            f"{run} trains by {name!r}, not by {typed!r}", hint=f"--strategy {shlex.quote(name)}"
        )
    own = own_class(name)
    if own and typed is None and not is_imported(own):
        raise SettingsError(
            f"{run} trains by {name!r}, which is code, and resume runs code only where you name it",
            hint=resume_command(run, name),
        )


def _written(folder: RunFolder) -> dict[str, Any]:
    """Returns the settings of a run that was stopped."""
    run = folder.path
    if (run / RESULT).exists():
        for name in (CHECKPOINTS, CONTROL):  # killed before they were cleared away
            Keeper(run / name).clear()
        raise SettingsError(f"{run} is complete", hint=f"regraft report {run}")
    if (run / COMPARE).is_file():
        raise DataError(
            f"{run} holds a comparison, which resume does not go on with",
            expected="a folder that regraft fit or regraft adapt made",
            hint=f"the same regraft compare command with --out {shlex.quote(str(run))}",
        )
    if not folder.begun:
        why = f"{run / SETTINGS} is missing or empty" if run.exists() else "there is no such folder"
        raise DataError(
            f"{run} is no run that can be gone on with: {why}",
            expected="a folder that regraft fit made",
        )
    return read_toml(run / SETTINGS)


def _of_adaptation(written: dict[str, Any], run: Path) -> AdaptSettings:
    """Returns the settings of an adaptation, whose data have to be paths or names."""
    settings = AdaptSettings(**{**written, "out": run})
    if not settings.named:
        raise SettingsError(
            f"{run} adapts Python objects, which are not in the folder",
            hint="regraft.adapt with the same arguments and another out",
        )
    return settings


def _settings(written: dict[str, Any], run: Path) -> FitSettings:
    settings = FitSettings(**{**written, "out": run})
    if not settings.data:
        raise SettingsError(
            f"{run} was fitted to Python objects, which are not in the folder",
            hint="regraft.fit with the same arguments and another out",
        )
    return settings
