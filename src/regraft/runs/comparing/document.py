"""Makes the document of a comparison from the records of its trials."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt

from regraft.runs.comparing.settings import CLASSIC, CompareSettings
from regraft.scoring.crossing import rows_to_reach
from regraft.scoring.intervals import Score, around, paired_difference, student

Document = dict[str, Any]
Cells = Mapping[tuple[str, float], Sequence[Document]]
"""Records by strategy or baseline and share, one for each seed, in the order of the seeds."""
HIGHEST = {"accuracy": 1.0, "macro_f1": 1.0, "log_loss": float("inf")}
"""The scores that are compared, and what no interval goes beyond; none goes below 0."""


def comparison_document(asked: CompareSettings, cells: Cells, *, folder: Path) -> Document:
    """Returns the whole document, a function of what was asked and of the trials alone.

    Args:
        asked: Strategies, seeds and shares.
        cells: What the trials came to.
        folder: Of the comparison.
    """
    first = cells[asked.reference, asked.shares[-1]][0]
    records = [record for cell in cells.values() for record in cell]
    strategies = [_strategy(asked, cells, name) for name in asked.names]
    best = best_of(asked, cells)
    return {
        "comparison": str(folder),
        "data": first["data"],
        "backbone": first["backbone"],
        "against": asked.reference,
        "seeds": list(asked.numbers),
        "fractions": list(asked.shares),
        "strategies": strategies,
        "baselines": [_baseline(asked, cells, way) for way in asked.ways],
        "best": best,
        "gain": _gain(asked, cells, best["name"]),
        "rows_needed": next(s["rows_needed"] for s in strategies if s["name"] == best["name"]),
        "seconds": {"total": round(sum(record["seconds"]["total"] for record in records), 3)},
        "proof": {"holds": all(record["proof"] for record in records)},
        "environment": first["environment"],
    }


def _strategy(asked: CompareSettings, cells: Cells, name: str) -> Document:
    shares = [
        {
            "fraction": share,
            **cell_scores(cells[name, share]),
            "difference": _difference(asked, cells, name, share),
        }
        for share in asked.shares
    ]
    return {
        "name": name,
        "fractions": shares,
        "rows_needed": rows_needed(asked, cells, name=name),
    }


def _baseline(asked: CompareSettings, cells: Cells, way: str) -> Document:
    made = _strategy(asked, cells, way)
    return {**made, "key": way, "name": cells[way, asked.shares[-1]][0]["name"]}


def _gain(asked: CompareSettings, cells: Cells, name: str) -> Document | None:
    """Returns what transfer gained over the classic without it, with most labels."""
    if CLASSIC not in asked.ways:
        return None
    share = asked.shares[-1]
    gap = difference(cells[name, share], cells[CLASSIC, share])
    return {"over": cells[CLASSIC, share][0]["name"], "difference": vars(gap)}


def cell_scores(records: Sequence[Document]) -> Document:
    """Returns the scores of a strategy or baseline with a share of the labels, over its seeds.

    Args:
        records: One for each seed.
    """
    tests = [record["scores"]["test"] for record in records]
    return {
        "rows": _rows(records),
        **{name: over_seeds([test[name] for test in tests], name) for name in HIGHEST},
        "val_accuracy": _val_accuracy(records) if "val" in records[0]["scores"] else None,
        "seconds": round(fmean(record["seconds"]["chosen"] for record in records), 3),
        "trained_share": fmean(record["trained_share"] for record in records),
    }


def over_seeds(scores: Sequence[Mapping[str, float]], name: str) -> dict[str, float]:
    """Returns the mean with an interval for other seeds and for other test rows.

    It is Student's over the seeds, or the mean of the seeds' own over the test rows where that
    goes further: a head that is solved comes out alike for every seed, and is not sure for that.

    Args:
        scores: Each with `value`, `low` and `high`, one for each seed.
        name: Of the score.
    """
    value, low, high = (fmean(score[end] for score in scores) for end in ("value", "low", "high"))
    found = _wider(Score(value, low, high), [score["value"] for score in scores])
    return vars(Score(value, max(found.low, 0.0), min(found.high, HIGHEST[name])))


def difference(mine: Sequence[Document], other: Sequence[Document]) -> Score:
    """Returns by how much more test rows are right, paired row by row and seed by seed.

    The interval is as that of a score: over the seeds, or over the test rows where that goes
    further.

    Args:
        mine: Records of a strategy, one for each seed.
        other: Those of another one, with the same seeds and share.
    """
    first, second = (np.stack([_right(record) for record in side]) for side in (mine, other))
    over_rows = paired_difference(first.mean(axis=0), second.mean(axis=0))
    return _wider(over_rows, (first - second).mean(axis=1).tolist())


def _wider(over_rows: Score, values: Sequence[float]) -> Score:
    """Returns the interval over the test rows, widened to hold that over the seeds."""
    if len(values) == 1:
        return over_rows
    seeds = student(values)
    return around(over_rows.value, (min(over_rows.low, seeds.low), max(over_rows.high, seeds.high)))


def _difference(asked: CompareSettings, cells: Cells, name: str, share: float) -> Document | None:
    if name == asked.reference:
        return None
    return vars(difference(cells[name, share], cells[asked.reference, share]))


def best_of(asked: CompareSettings, cells: Cells) -> Document:
    """Returns which strategy is best on validation with most labels, and whether clearly so.

    The test rows choose nothing: they say by how much the chosen one is better than the one
    that comes closest to it there, which for a clear winner is more than 0 by the interval.
    A strategy that leaves out no rows is not among those that are chosen from.

    Args:
        asked: Names the strategies.
        cells: What the trials came to.
    """
    share = asked.shares[-1]
    judged = [each for each in asked.names if "val" in cells[each, share][0]["scores"]]
    name = max(judged, key=lambda each: _val_accuracy(cells[each, share]), default=asked.names[0])
    unjudged = [each for each in asked.names if each not in judged]
    gaps = {
        other: difference(cells[name, share], cells[other, share])
        for other in asked.names
        if other != name
    }
    if not gaps:
        none: Document = {"over": None, "difference": None, "clear": False}
        return {"name": name, **none, "unjudged": unjudged}
    closest = min(gaps, key=lambda other: gaps[other].low)
    gap = gaps[closest]
    return {
        "name": name,
        "over": closest,
        "difference": vars(gap),
        "clear": gap.low > 0,
        "unjudged": unjudged,
    }


def rows_needed(asked: CompareSettings, cells: Cells, *, name: str) -> Document | None:
    """Returns how many labelled rows a strategy needs for what the reference has with most.

    Args:
        asked: Names the reference and the shares.
        cells: What the trials came to.
        name: Of the strategy.

    Returns:
        None for the reference itself and where there is one share only; `rows` in it is None
        where the strategy falls short, and `at_most` says that its fewest rows were enough.
    """
    if name == asked.reference or len(asked.shares) == 1:
        return None
    full = cells[asked.reference, asked.shares[-1]]
    curve = [(_rows(cells[name, s]), _accuracy(cells[name, s])) for s in asked.shares]
    rows = rows_to_reach(curve, _accuracy(full))
    return {
        "accuracy": _accuracy(full),
        "rows": rows,
        "at_most": rows == curve[0][0],
        "of": _rows(full),
        "share": None if rows is None else rows / _rows(full),
    }


def _rows(records: Sequence[Document]) -> float:
    """Returns the labelled rows of a share: those that move weights, and those that choose."""
    counts = [record["data"]["rows"] for record in records]
    return fmean(count["train"] + count["val"] for count in counts)


def _accuracy(records: Sequence[Document]) -> float:
    return fmean(record["scores"]["test"]["accuracy"]["value"] for record in records)


def _val_accuracy(records: Sequence[Document]) -> float:
    return fmean(record["scores"]["val"]["accuracy"]["value"] for record in records)


def _right(record: Document) -> npt.NDArray[np.float64]:
    return np.array([mark == "1" for mark in record["right"]], np.float64)
