"""Makes the document of a comparison from the records of its trials."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt

from regraft.errors import DivergedError
from regraft.runs.comparing.diverged import both, diverged_trials, has_diverged, scored
from regraft.runs.comparing.settings import CLASSIC, CompareSettings
from regraft.scoring.crossing import rows_to_reach
from regraft.scoring.intervals import Score, around, paired_difference, student

Document = dict[str, Any]
Cells = Mapping[tuple[str, float], Sequence[Document]]
"""Records by strategy or baseline and share, one for each seed, in the order of the seeds.

Those of trials that diverged are among them, and left out of all that is counted."""
HIGHEST = {"accuracy": 1.0, "macro_f1": 1.0, "log_loss": float("inf")}
"""The scores that are compared, and what no interval goes beyond; none goes below 0."""


def comparison_document(asked: CompareSettings, cells: Cells, *, folder: Path) -> Document:
    """Returns the whole document, a function of what was asked and of the trials alone.

    Args:
        asked: Strategies, seeds and shares.
        cells: What the trials came to.
        folder: Of the comparison.

    Raises:
        DivergedError: If every trial of every strategy did.
    """
    first = _first(asked, cells)
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
        "proof": {"holds": all(record["proof"] for record in scored(records))},
        "environment": first["environment"],
        "diverged": diverged_trials(cells),
    }


def _first(asked: CompareSettings, cells: Cells) -> Document:
    """Returns the first record of the reference with most labels, or the next that has scores."""
    for name in (asked.reference, *asked.names):
        for share in reversed(asked.shares):
            for record in scored(cells[name, share]):
                return record
    raise DivergedError(
        "every trial of every strategy diverged: there is nothing to compare",
        expected="a rate at which the loss falls",
        hint="a smaller --lr",
    )


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
    gap = _gap(cells[name, share], cells[CLASSIC, share])
    if gap is None:
        return None
    return {"over": cells[CLASSIC, share][0]["name"], "difference": vars(gap)}


def cell_scores(records: Sequence[Document]) -> Document:
    """Returns the scores of a strategy or baseline with a share of the labels, over its seeds.

    Args:
        records: One for each seed; where all of them diverged, there are no scores.
    """
    kept = scored(records)
    lost = {"diverged": len(records) - len(kept)}
    if not kept:
        names = ("rows", *HIGHEST, "val_accuracy", "seconds", "trained_share")
        return {**dict.fromkeys(names), **lost}
    tests = [record["scores"]["test"] for record in kept]
    return {
        "rows": _rows(kept),
        **{name: over_seeds([test[name] for test in tests], name) for name in HIGHEST},
        "val_accuracy": _val_score(kept, "accuracy") if _judged(kept) else None,
        "val_macro_f1": _val_score(kept, "macro_f1") if _judged(kept) else None,
        "seconds": round(fmean(record["seconds"]["chosen"] for record in kept), 3),
        "trained_share": fmean(record["trained_share"] for record in kept),
        **lost,
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
        mine: Records of a strategy, one for each seed; none of them diverged.
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
    gap = _gap(cells[name, share], cells[asked.reference, share])
    return None if gap is None else vars(gap)


def _gap(mine: Sequence[Document], other: Sequence[Document]) -> Score | None:
    """Returns the difference over the seeds with which neither diverged; None without any."""
    first, second = both(mine, other)
    return difference(first, second) if first else None


def best_of(asked: CompareSettings, cells: Cells) -> Document:
    """Returns which strategy is best on validation with most labels, and whether clearly so.

    The score is that by which the trials selected their checkpoints: accuracy, or macro F1 where
    classes weigh the same. The test rows choose nothing: they say by how much the chosen one is
    better than the one that comes closest to it there, which for a clear winner is more than 0 by
    the interval.
    A strategy that leaves out no rows is not among those that are chosen from; one that
    diverged with some seed is chosen only where all of them did.

    Args:
        asked: Names the strategies.
        cells: What the trials came to.
    """
    last = {name: cells[name, asked.shares[-1]] for name in asked.names}
    left = [name for name in asked.names if scored(last[name])]
    by = _selecting(record for each in left for record in last[each])
    name = _leading(last, left, by) if left else asked.names[0]
    unjudged = [each for each in left if not _judged(last[each])]
    found = {other: _gap(last[name], last[other]) for other in asked.names if other != name}
    gaps = {other: gap for other, gap in found.items() if gap is not None}
    if not gaps:
        none: Document = {"over": None, "difference": None, "clear": False}
        return {"name": name, "of": by, **none, "unjudged": unjudged}
    closest = min(gaps, key=lambda other: gaps[other].low)
    gap = gaps[closest]
    return {
        "name": name,
        "of": by,
        "over": closest,
        "difference": vars(gap),
        "clear": gap.low > 0,
        "unjudged": unjudged,
    }


def _leading(last: Mapping[str, Sequence[Document]], left: Sequence[str], by: str) -> str:
    """Returns the best on validation of the strategies that have scores, the steady ones first."""
    judged = [name for name in left if _judged(last[name])]
    steady = [name for name in judged if not any(map(has_diverged, last[name]))]
    chosen_from = steady or judged
    return max(chosen_from, key=lambda name: _val_score(last[name], by), default=left[0])


def rows_needed(asked: CompareSettings, cells: Cells, *, name: str) -> Document | None:
    """Returns how many labelled rows a strategy needs for what the reference has with most.

    Args:
        asked: Names the reference and the shares.
        cells: What the trials came to.
        name: Of the strategy.

    Returns:
        None for the reference itself, where there is one share only and where one of both
        diverged with all seeds; `rows` in it is None
        where the strategy falls short, and `at_most` says that its fewest rows were enough.
    """
    full = scored(cells[asked.reference, asked.shares[-1]])
    kept = [cell for share in asked.shares if (cell := scored(cells[name, share]))]
    if name == asked.reference or len(asked.shares) == 1 or not full or not kept:
        return None
    curve = [(_rows(cell), _accuracy(cell)) for cell in kept]
    rows = rows_to_reach(curve, _accuracy(full))
    return {
        "accuracy": _accuracy(full),
        "rows": rows,
        "at_most": rows == curve[0][0],
        "of": _rows(full),
        "share": None if rows is None else rows / _rows(full),
    }


def _judged(records: Sequence[Document]) -> bool:
    """Says whether a strategy left out rows to choose by."""
    return any("val" in record["scores"] for record in scored(records))


def _rows(records: Sequence[Document]) -> float:
    """Returns the labelled rows of a share: those that move weights, and those that choose."""
    counts = [record["data"]["rows"] for record in records]
    return fmean(count["train"] + count["val"] for count in counts)


def _accuracy(records: Sequence[Document]) -> float:
    return fmean(record["scores"]["test"]["accuracy"]["value"] for record in records)


def _selecting(records: Iterable[Document]) -> str:
    """Returns the score by which the trials selected: where classes weigh the same, macro F1."""
    balanced = any(record.get("class_weights") == "balanced" for record in records)
    return "macro_f1" if balanced else "accuracy"


def _val_score(records: Sequence[Document], name: str) -> float:
    return fmean(record["scores"]["val"][name]["value"] for record in scored(records))


def _right(record: Document) -> npt.NDArray[np.float64]:
    return np.array([mark == "1" for mark in record["right"]], np.float64)
