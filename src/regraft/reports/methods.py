"""Makes the table of an adaptation, a line for each method tried, from its result."""

from collections.abc import Mapping
from typing import Any

from regraft.reports.words import NOTHING, duration, percent_score

HEADERS = ("method", "information", "agreement", "source accuracy", "guards", "seconds")
ORACLE = "oracle accuracy"
"""Computed with target labels: shown where that was asked for, and used for nothing."""
PASSED = "passed"


def headers(result: Mapping[str, Any]) -> list[str]:
    """Returns the names of the columns."""
    return [*HEADERS, ORACLE] if _scored(result) else list(HEADERS)


def lines(result: Mapping[str, Any]) -> list[list[str]]:
    """Returns the cells of each line: what costs less where it was scored, then the methods."""
    oracle = (result.get("oracle") or {}).get("baselines") or {}
    cheaper = [_baseline(oracle[key]) for key in ("majority", "classic") if oracle.get(key)]
    methods = [_method(each, _scored(result)) for each in result.get("methods") or []]
    return [*cheaper, *methods]


def chosen_line(result: Mapping[str, Any]) -> int:
    """Returns the number of the line of the method that is kept, or -1."""
    names = [line[0] for line in lines(result)]
    chosen = result.get("chosen")
    return names.index(chosen) if chosen in names else -1


def _scored(result: Mapping[str, Any]) -> bool:
    return any(each.get("oracle") for each in result.get("methods") or [])


def _baseline(measured: Mapping[str, Any]) -> list[str]:
    middle = [NOTHING] * (len(HEADERS) - 2)
    return [
        str(measured.get("name")),
        *middle,
        duration(measured.get("seconds")),
        percent_score(measured.get("accuracy")),
    ]


def _method(entry: Mapping[str, Any], scored: bool) -> list[str]:
    seen = entry.get("selection") or {}
    failed = [name for name, reason in (entry.get("guards") or {}).items() if reason]
    numbers = ("information", "agreement", "source_accuracy")
    cells = [
        str(entry.get("name")),
        *(_number(seen.get(name)) for name in numbers),
        ", ".join(failed) or PASSED,
        duration(entry.get("seconds")),
    ]
    oracle = (entry.get("oracle") or {}).get("accuracy")
    return [*cells, percent_score(oracle)] if scored else cells


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}"
