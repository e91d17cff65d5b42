"""Makes the plan of a fit: phases, groups, counts, a time estimate; runs nothing."""

from typing import Any, Unpack

from regraft.runs.choosing.auto import SHARES, most_seconds
from regraft.runs.choosing.budget import batches, estimate, nothing_to_choose
from regraft.runs.choosing.modes import decide_modes
from regraft.runs.choosing.opening import Network
from regraft.runs.fit import settings_of
from regraft.runs.fitting.folder import check_free
from regraft.runs.fitting.prepare import Prepared, prepare
from regraft.runs.fitting.result import described
from regraft.runs.trials.wanted import taken_up, wanted_by
from regraft.settings import FitOptions, FitSettings
from regraft.strategies.table import AUTO
from regraft.training.precision import Verdict
from regraft.training.progress import Progress, Silent


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
    settings, network = settings_of(data, options)
    return run_plan(settings, Silent(), source=data, network=network)


def run_plan(
    settings: FitSettings,
    progress: Progress,
    *,
    source: object = None,
    network: Network | None = None,
) -> dict[str, Any]:
    """Returns the plan that the command line asked for.

    Args:
        settings: Checked settings.
        progress: Told what was understood of the data.
        source: The data where they are Python objects; None = `settings.data`.
        network: The backbone where it is a Python object; None = `settings.backbone`.

    Raises:
        SettingsError: If an option cannot be used.
        DataError: If the data cannot be used.
        BackboneError: If the network cannot be used.
    """
    check_free(settings.out)
    given = settings.data if source is None else source
    prepared = prepare(settings, given, say=progress.say, network=network)
    verdict = decide_modes(prepared, say=progress.say)
    variants = _variants(prepared) if settings.strategy == AUTO else []
    if variants:
        prepared = variants[0][1]
    phases = described(prepared)
    judged = not nothing_to_choose(prepared)
    seconds = [
        estimate(prepared, phase, verdict=verdict, judged=judged) for phase in prepared.phases
    ]
    features = _feature_seconds(prepared, verdict)
    tried = [_tried(words, variant, verdict) for words, variant in variants]
    whole = most_seconds([each["seconds"] for each in tried]) if tried else sum(seconds)
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
        **({"auto": {"tried": tried, "shares": list(SHARES)}} if tried else {}),
        "seconds": {
            "estimate": round(whole + features, 1),
            "features": round(features, 1),
        },
    }


def _variants(prepared: Prepared) -> list[tuple[str, Prepared]]:
    """Returns what `auto` would try beside the linear probe, in words, and what would train it."""
    return [(each.words(), taken_up(prepared, each)) for each in wanted_by(prepared)]


def _tried(words: str, variant: Prepared, verdict: Verdict) -> dict[str, Any]:
    """Returns a candidate with the seconds of all of its passes."""
    seconds = sum(estimate(variant, phase, verdict=verdict) for phase in variant.phases)
    return {"words": words, "seconds": round(seconds, 1)}


def _feature_seconds(prepared: Prepared, verdict: Verdict) -> float:
    """Returns the seconds of the one pass over all rows that the head and the probe use."""
    heads = [phase for phase in prepared.phases if phase.line == prepared.chain.top]
    if not heads and not prepared.settings.baselines:
        return 0.0
    train = batches(prepared, "train")
    if not prepared.settings.baselines:
        # A head's start is solved on a sample.
        total = len(prepared.encoded["train"])
        seen = max(total if phase.rows is None else min(phase.rows, total) for phase in heads)
        train *= seen / max(total, 1)
    test = batches(prepared, "test") if prepared.settings.baselines else 0.0
    return (train + batches(prepared, "val") + test) * verdict.seconds("inference")
