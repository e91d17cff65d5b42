"""Says whether two data sets differ, how, and what that costs: a verb that trains nothing."""

import time
from pathlib import Path
from typing import Any, Unpack

import torch

from regraft.runs.adapting.given import Given, read_given
from regraft.runs.adapting.record import fit_settings
from regraft.runs.adapting.target import read_target
from regraft.runs.choosing.modes import decide_modes
from regraft.runs.fitting.prepare import prepare
from regraft.runs.shifting.colours import with_colours_told
from regraft.runs.shifting.comparison import compare_domains
from regraft.runs.shifting.document import shift_document
from regraft.runs.shifting.gathered import gather
from regraft.settings import ShiftOptions, ShiftSettings
from regraft.training.progress import Progress, Silent

Document = dict[str, Any]


def shift(source: object, target: object = None, **options: Unpack[ShiftOptions]) -> Document:
    """Returns the document that says whether and how a target differs from a source.

    Args:
        source: Labelled data: a path or name as on the command line, a pair of lists
            (inputs, labels), or a frame with columns.
        target: The same without labels; those that are in it are not read unless
            `score_target` says so. None where `domain`, `from_domain` and `to_domain` name
            two domains of the source.
        **options: The other fields of `ShiftSettings`.

    Raises:
        SettingsError: If an option cannot be used.
        DataError: If the data cannot be used.
        BackboneError: If the network cannot be used.
    """
    names = [str(each) if isinstance(each, str | Path) else "" for each in (source, target)]
    settings = ShiftSettings(data=names[0], target=names[1], **options)
    return run_shift(settings, Silent(), source=source, target=target)


def run_shift(
    settings: ShiftSettings, progress: Progress, *, source: object = None, target: object = None
) -> Document:
    """Returns the document; nothing is written but features into the cache.

    Args:
        settings: Checked settings.
        progress: Told what happens.
        source: The labelled data where they are Python objects; None = `settings.data`.
        target: The target where it is a Python object; None = `settings.target`.

    Raises:
        SettingsError: If an option cannot be used.
        DataError: If the data cannot be used.
        BackboneError: If the network cannot be used.
    """
    started = time.monotonic()
    torch.manual_seed(settings.seed)
    given = Given(source=source, target=target)
    adapting, data, elsewhere = read_given(settings.adapting(), given, say=progress.say)
    try:
        prepared = prepare(fit_settings(adapting), data, say=progress.say)
        rows = read_target(
            elsewhere, prepared, score=settings.score_target, say=progress.say, whole=True
        )
        prepared = with_colours_told(prepared, rows, say=progress.say)
        verdict = decide_modes(prepared, say=progress.say, steps=False)
        progress.say("computing the frozen trunk's features once")
        gathered = gather(prepared, verdict, target=rows, say=progress.say)
        progress.say("telling the domains apart, and estimating")
        found = compare_domains(gathered, seed=settings.seed)
        document = shift_document(found, gathered, prepared=prepared, target=gathered.rows)
    finally:
        progress.finish()
    return {**document, "seconds": round(time.monotonic() - started, 3)}
