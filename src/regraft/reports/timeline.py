"""Makes the picture and the table of what moved when, from the freezing part of a result."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from regraft.reports.plots import GRID, VAL, figure_of, panels, uri_of

MOST = 40
"""Blocks drawn; of a longer chain the lowest and the highest."""
WHOLE = re.compile(r"frozen above the line: (\d+) of \1 tensors in (.+)")
"""The name of a piece that is a whole block, as a witness calls it."""
Span = tuple[int, int]


def freeze_timeline(freezing: Mapping[str, Any]) -> str:
    """Returns which blocks moved at which steps, or the empty string where none took one.

    Args:
        freezing: `blocks`, `proof` and `checks` as in `result.json`.
    """
    stretches = _stepped(freezing)
    names = [str(block["name"]) for block in freezing.get("blocks") or []]
    if not stretches or not names:
        return ""
    shown = list(enumerate(names))
    shown = shown if len(shown) <= MOST else shown[: MOST // 2] + shown[-MOST // 2 :]
    figure = figure_of(7.2, 0.9 + 0.26 * len(shown))
    (axes,) = panels(figure, 1)
    for row, (_, name) in enumerate(shown):
        for frozen, colour in ((False, VAL), (True, GRID)):
            bars = [(start, stop - start) for start, stop in spans(stretches, name, frozen=frozen)]
            axes.broken_barh(bars, (row - 0.38, 0.76), facecolors=colour)
    axes.set_yticks(range(len(shown)), [_short(name) for _, name in shown])
    axes.set(xlabel="optimiser step", xlim=(0, max(s["stop"] for s in stretches)))
    axes.grid(visible=False)
    return uri_of(figure)


def spans(stretches: Sequence[Mapping[str, Any]], name: str, *, frozen: bool) -> list[Span]:
    """Returns the steps between which a block was frozen, or moved; neighbours joined.

    >>> early = {"start": 0, "stop": 4, "before": {}}
    >>> late = {"start": 4, "stop": 9, "before": {"stem": "ab"}}
    >>> spans([early, late], "stem", frozen=True), spans([early, late], "stem", frozen=False)
    ([(4, 9)], [(0, 4)])
    """
    found: list[Span] = []
    for stretch in stretches:
        if is_still(stretch, name) != frozen:
            continue
        if found and found[-1][1] == stretch["start"]:
            found[-1] = (found[-1][0], stretch["stop"])
        else:
            found.append((stretch["start"], stretch["stop"]))
    return found


def is_still(stretch: Mapping[str, Any], name: str) -> bool:
    """Says whether a block was frozen in a stretch: below the line, or all of it above.

    >>> whole = {"frozen above the line: 2 of 2 tensors in stem": "ab"}
    >>> part = {"frozen above the line: 1 of 2 tensors in stem": "ab"}
    >>> is_still({"before": whole}, "stem"), is_still({"before": part}, "stem")
    (True, False)
    """
    pieces = (WHOLE.fullmatch(key) for key in stretch["before"])
    return name in stretch["before"] or any(found and found[2] == name for found in pieces)


def block_rows(freezing: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns a row for each block: weights, when it froze, and its reading then, or the last.

    Args:
        freezing: `blocks`, `proof` and `checks` as in `result.json`.
    """
    stretches = _stepped(freezing)
    checks = freezing.get("checks") or []
    return [
        {
            "name": block["name"],
            "parameters": block["parameters"],
            "moved": sum(b - a for a, b in spans(stretches, str(block["name"]), frozen=False)),
            "froze": _froze(checks, number),
            "saved": block.get("saved_backward_share"),
            "seconds": block.get("saved_seconds"),
            **_reading(checks, number),
        }
        for number, block in enumerate(freezing.get("blocks") or [])
    ]


def _reading(checks: Sequence[Mapping[str, Any]], number: int) -> Mapping[str, Any]:
    """Returns what was read of a block when it froze, or last."""
    if not checks:
        return {}
    at = next((check for check in checks if number in check["frozen"]), checks[-1])
    return {**at["readings"][number], "loss": at.get("loss")}


def _froze(checks: Sequence[Mapping[str, Any]], number: int) -> int | None:
    return next((int(c["step"]) for c in checks if number in c["frozen"]), None)


def _stepped(freezing: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    proof = freezing.get("proof") or {}
    stretches = proof.get("stretches") or []
    return [s for s in stretches if "before" in s and s.get("stop", 0) > s.get("start", 0)]


def _short(name: str) -> str:
    return name if len(name) <= 28 else f"…{name[-27:]}"
