"""Tells trials that diverged from those that have scores, and are counted."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from regraft.errors import DivergedError

Document = dict[str, Any]
DIVERGED = "diverged"
"""In the record of such a trial: why, in words."""


def diverged_record(error: DivergedError, own: Mapping[str, Any], *, seconds: float) -> Document:
    """Returns the record of a trial that diverged, so that it is not run again.

    Args:
        error: What the training was stopped by.
        own: The settings of the trial.
        seconds: That it took.
    """
    spent = {"total": round(seconds, 3)}
    return {DIVERGED: error.given, **{n: own[n] for n in ("strategy", "seed")}, "seconds": spent}


def has_diverged(record: Mapping[str, Any]) -> bool:
    """Says whether a trial has no scores, as it diverged."""
    return DIVERGED in record


def scored(records: Iterable[Document]) -> list[Document]:
    """Returns the records that have scores."""
    return [record for record in records if not has_diverged(record)]


def both(
    mine: Sequence[Document], other: Sequence[Document]
) -> tuple[list[Document], list[Document]]:
    """Returns the records of two strategies for those seeds with which neither diverged.

    Args:
        mine: Of one strategy, one for each seed.
        other: Of another one, with the same seeds.
    """
    pairs = zip(mine, other, strict=True)
    kept = [pair for pair in pairs if not any(map(has_diverged, pair))]
    return [first for first, _ in kept], [second for _, second in kept]


def diverged_trials(cells: Mapping[tuple[str, float], Sequence[Document]]) -> list[Document]:
    """Returns strategy, share of the labels, seed and reason of each trial that diverged.

    Args:
        cells: Records by strategy and share.
    """
    return [
        {"strategy": name, "fraction": share, "seed": record["seed"], "reason": record[DIVERGED]}
        for (name, share), records in cells.items()
        for record in records
        if has_diverged(record)
    ]
