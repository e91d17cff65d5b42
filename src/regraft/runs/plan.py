"""Makes the plan of a fit: phases, groups, counts, a time estimate; runs nothing."""

from typing import Any, Unpack

from regraft.runs.fit import PROBE_IMAGES, PROBE_TOKENS, decide_modes
from regraft.runs.fitting.prepare import Prepared, prepare
from regraft.settings import FitOptions, FitSettings
from regraft.training.phase import Phase, describe
from regraft.training.precision import Verdict
from regraft.training.progress import Progress, Silent

BACKWARD_SHARE = 2 / 3
"""Of a training step's arithmetic: the backward pass costs twice the forward pass."""


def plan(data: object, **options: Unpack[FitOptions]) -> dict[str, Any]:
    """Returns what `fit` would do with the same arguments, without doing it.

    Args:
        data: As for `fit`.
        **options: The fields of `FitSettings`.

    Raises:
        SettingsError: If an option cannot be used.
        DataError: If the data cannot be used.
        BackboneError: If the network cannot be used.
    """
    named = data if isinstance(data, str) else ""
    return run_plan(FitSettings(data=named, **options), Silent(), source=data)


def run_plan(settings: FitSettings, progress: Progress, *, source: object = None) -> dict[str, Any]:
    """Returns the plan that the command line asked for.

    Args:
        settings: Checked settings.
        progress: Told what was understood of the data.
        source: The data where they are Python objects; None = `settings.data`.

    Raises:
        SettingsError: If an option cannot be used.
        DataError: If the data cannot be used.
        BackboneError: If the network cannot be used.
    """
    prepared = prepare(settings, settings.data if source is None else source, say=progress.say)
    verdict = decide_modes(prepared)
    head = sum(p.numel() for p in prepared.network.head.parameters())
    phases = [describe(phase, prepared.chain, head_parameters=head) for phase in prepared.phases]
    seconds = [estimate(prepared, phase, verdict=verdict) for phase in prepared.phases]
    progress.finish()
    return {
        "data": settings.data or prepared.dataset.name,
        "backbone": prepared.backbone.name,
        "strategy": settings.strategy,
        "rows": {part: len(rows) for part, rows in prepared.dataset.parts.items()},
        "defaults": [vars(choice) for choice in prepared.chosen.listed()],
        "understood": prepared.understood,
        "positions": prepared.chain.describe(),
        "phases": [
            {**phase, "seconds": round(value, 1)}
            for phase, value in zip(phases, seconds, strict=True)
        ],
        "precision": verdict.as_json(),
        "seconds": {"estimate": round(sum(seconds), 1)},
    }


def estimate(prepared: Prepared, phase: Phase, *, verdict: Verdict) -> float:
    """Returns the seconds that a phase will take, from the probe's timed batch.

    Args:
        prepared: Its rows.
        phase: Its line and epochs.
        verdict: Its timings.
    """
    units = float(prepared.encoded["train"].lengths.sum())
    is_text = prepared.dataset.modality == "text"
    if not is_text:
        units = float(len(prepared.encoded["train"]))
    per_batch = PROBE_TOKENS if is_text else PROBE_IMAGES
    batches = units / per_batch
    top = prepared.chain.top
    if phase.line == top:
        return batches * verdict.seconds("inference")
    live = 1 - phase.line / top
    step = verdict.seconds("training") * (1 - BACKWARD_SHARE * (1 - live))
    return phase.epochs * batches * step
