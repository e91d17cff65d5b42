"""Makes one self-contained HTML page from the document of a run."""

import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regraft.errors import StorageError, harmless
from regraft.reports import methods, words
from regraft.reports.adaptation import (
    domains_picture,
    guard_lines,
    kept_words,
    moved_words,
    numbered,
    watched_picture,
)
from regraft.reports.plots import calibration_curve, confusion_map, learning_curves
from regraft.reports.table import Entry, entries
from regraft.reports.thumbnails import is_safe, thumbnail
from regraft.reports.timeline import block_rows, freeze_timeline
from regraft.settings import OF_STEPS

if TYPE_CHECKING:
    from jinja2 import Environment

CLASSES_IN_A_TABLE = 12
CONFUSED_PAIRS = 8
WHOLES_AND_PARTS = ("total", "chosen", "auto", "checkpoints")
"""Seconds that are sums of others, or parts of the training: they would count twice."""


UNSOLVED = (*OF_STEPS, "layer_decay")
"""Choices that a head which is solved never looks at."""


def write_report(result: Mapping[str, Any], path: Path) -> None:
    """Writes the page of a run; an older page gives way only to a whole new one.

    Args:
        result: The document of the run, as in `result.json`.
        path: The file to write.

    Raises:
        StorageError: If the disk says no (raised by `write_page`).
    """
    write_page(render(result), path)


def write_page(page: str, path: Path) -> None:
    """Writes a page under its name when it is whole.

    Args:
        page: Its text.
        path: The file to write.

    Raises:
        StorageError: If the disk says no.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(page.encode("utf-8", "replace"))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageError(f"{path} cannot be written: {error.strerror}") from None


def render(result: Mapping[str, Any]) -> str:
    """Returns the page as text: no scripts, nothing from the network, all data escaped."""
    table = entries(result)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            result=result,
            sentence=sentence(result),
            table=table,
            span=_span(table),
            curves=learning_curves(result.get("history") or []),
            calibration=calibration_curve(result.get("calibration") or []),
            confusion=_confusion(result.get("confusion") or [], result),
            mistakes=[_shown_mistake(mistake) for mistake in result.get("mistakes") or []],
            timeline=freeze_timeline(result.get("freezing") or {}),
            blocks=block_rows(result.get("freezing") or {}),
            kept=kept_words(result),
            methods=_methods(result),
            moved=_moved(result),
            stretches=_stretches(result.get("seconds") or {}),
            chosen=_chosen(result),
        )
    )


def sentence(result: Mapping[str, Any]) -> str:
    """Returns in one sentence what was done and how well it went.

    >>> sentence({"strategy": "head", "backbone": "starter:minilm", "data": "reviews"})
    'Trained starter:minilm on reviews with the strategy head.'
    """
    classes = result.get("classes") or []
    moved = result.get("trained_share")
    accuracy = ((result.get("scores") or {}).get("test") or {}).get("accuracy")
    # Of an adaptation these rows are the source's: the target's labels are not read.
    whose = "source's test rows" if result.get("methods") else "test rows"
    target = (result.get("target") or {}).get("name")
    parts = [
        f"Trained {words.named(result.get('backbone'))} on {words.named(result.get('data'))}",
        f" to tell {len(classes)} classes apart" if classes else "",
        f" with the strategy {result.get('source_strategy') or result.get('strategy')}",
        f", and adapted to {target}" if target else "",
        f": {words.share(moved)} of the weights moved" if moved is not None else "",
        f"; {words.percent(accuracy['value'])} of the {whose} come out right" if accuracy else "",
    ]
    return "".join(parts) + "."


def _chosen(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns what was chosen; without what only steps look at, where there are none."""
    phases = (result.get("plan") or {}).get("phases") or []
    solved = bool(phases) and all(phase.get("solved") for phase in phases)
    return [
        {**choice, "value": _shown_value(choice["value"])}
        for choice in result.get("defaults") or []
        if not (solved and choice["name"] in UNSOLVED)
    ]


def _shown_value(value: object) -> object:
    return f"{value:.4g}" if isinstance(value, float) else value


def _methods(result: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "headers": methods.headers(result),
        "lines": methods.lines(result),
        "chosen": methods.chosen_line(result),
        "guards": guard_lines(result),
        "picture": domains_picture(result),
        "numbered": numbered(result),
        "watched": watched_picture(result),
    }


def _moved(result: Mapping[str, Any]) -> dict[str, Any]:
    counts = result.get("moved") or []
    return {**_confusion(counts, result), "sentence": moved_words(counts)}


def _template(name: str) -> str:
    return resources.files("regraft.reports").joinpath(name).read_text("utf-8")


def environment() -> "Environment":
    """Returns what makes pages from templates: all data escaped, unknown names empty."""
    from jinja2 import ChainableUndefined, Environment, FunctionLoader

    # An undefined name is empty, as documents of older versions may lack keys.
    made = Environment(
        autoescape=True,
        loader=FunctionLoader(_template),
        undefined=ChainableUndefined,
        finalize=_harmless,
        trim_blocks=True,
    )
    made.filters.update(
        named=words.named,
        percent=words.percent,
        percent_score=words.percent_score,
        plain_score=words.plain_score,
        points=words.points,
        duration=words.duration,
        share=words.share,
        count=words.count,
    )
    return made


def _harmless(value: object) -> object:
    # Escaping by jinja comes after this; marked-up text (its own class) must stay as it is.
    return harmless(value) if type(value) is str else value


def _span(table: Sequence[Entry]) -> tuple[float, float]:
    bounds = [entry.scores.get("accuracy") or {} for entry in table]
    lows = [bound["low"] for bound in bounds if bound.get("low") is not None]
    highs = [bound["high"] for bound in bounds if bound.get("high") is not None]
    if not lows or not highs:
        return 0.0, 1.0
    low, high = min(lows), max(highs)
    return low, max(high, low + 1e-6)


def _confusion(counts: list[list[int]], result: Mapping[str, Any]) -> dict[str, Any]:
    names = [str(name) for name in result.get("classes") or range(len(counts))][: len(counts)]
    small = len(counts) <= CLASSES_IN_A_TABLE
    return {
        "names": names,
        "rows": _confusion_rows(counts, names) if small else [],
        "map": "" if small else confusion_map(counts),
        "pairs": _confused_pairs(counts, names),
    }


def _confusion_rows(counts: list[list[int]], names: list[str]) -> list[dict[str, Any]]:
    rows = []
    for number, (name, row) in enumerate(zip(names, counts, strict=True)):
        total = max(sum(row), 1)
        cells = [
            {"count": count, "share": count / total, "right": place == number}
            for place, count in enumerate(row)
        ]
        rows.append({"name": name, "cells": cells, "total": sum(row)})
    return rows


def _confused_pairs(counts: list[list[int]], names: list[str]) -> list[dict[str, Any]]:
    pairs: list[dict[str, Any]] = [
        {"true": names[t], "predicted": names[p], "count": count, "share": count / sum(row)}
        for t, row in enumerate(counts)
        for p, count in enumerate(row)
        if t != p and count
    ]
    return sorted(pairs, key=lambda pair: -pair["count"])[:CONFUSED_PAIRS]


def _shown_mistake(mistake: Mapping[str, Any]) -> dict[str, Any]:
    ready = str(mistake.get("thumbnail") or "")
    path = mistake.get("image")
    picture = ready if is_safe(ready) else (thumbnail(Path(str(path))) if path else "")
    return {**mistake, "thumbnail": picture}


def _stretches(seconds: Mapping[str, Any]) -> list[dict[str, Any]]:
    named = {k: float(v) for k, v in seconds.items() if k not in WHOLES_AND_PARTS and v}
    whole = max(float(seconds.get("total") or 0), sum(named.values()))
    rest = whole - sum(named.values())
    if rest > 0.01 * whole:
        named["other"] = rest
    return [{"name": k, "seconds": v, "share": v / whole} for k, v in named.items()]
