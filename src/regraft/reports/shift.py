"""Makes the tables of a shift from its document: the verdict first, then what differs."""

from collections.abc import Mapping, Sequence
from typing import Any

from regraft.reports.words import NOTHING, percent, percent_score

Table = tuple[Sequence[str], list[list[str]]]
METHODS = {
    "importance_weighted": "accuracy on the source, rows like the target's weighing more",
    "thresholded_confidence": "average thresholded confidence",
    "confidence_difference": "difference of confidences",
    "agreement": "agreement of twins",
}
"""What each estimate is called in the table."""


def tables(result: Mapping[str, Any]) -> list[Table]:
    """Returns headers and lines of each table; those without lines are left out."""
    made = [_verdict(result), _estimates(result), _proportions(result), _numbers(result)]
    return [table for table in (*made, _words(result)) if table[1]]


def _verdict(result: Mapping[str, Any]) -> Table:
    told = result["domain_classifier"]
    lines = [
        ["verdict", str(result["verdict"])],
        ["domains told apart", percent_score(told["accuracy"])],
        ["by chance, at most", percent(told["chance"]["high"])],
        ["p", f"{told['p_value']:.3f}"],
        ["different rows of each", f"{told['rows']:,}"],
        ["of these in both", f"{told['shared']:,}"],
        ["only proportions differ", _only(result)],
    ]
    return ("asked", "found"), lines


def _estimates(result: Mapping[str, Any]) -> Table:
    estimate = result["estimate"]
    oracle = (result.get("oracle") or {}).get("accuracy")
    lines = [
        ["source, rows left out", percent_score(estimate["source_accuracy"])],
        ["target, estimated", percent_score(estimate["accuracy"])],
    ]
    lines += [[f"  {METHODS[name]}", percent(value)] for name, value in estimate["methods"].items()]
    if oracle:
        lines.append(["target, true (oracle)", percent_score(oracle)])
    return ("accuracy of source-only", ""), lines


def _proportions(result: Mapping[str, Any]) -> Table:
    lines = [
        [name, percent(each["source"]), percent_score(each["target"])]
        for name, each in result["proportions"].items()
    ]
    return ("class", "in the source", "in the target, estimated"), lines


def _numbers(result: Mapping[str, Any]) -> Table:
    lines = [
        [each["name"], _short(each["source"]), _short(each["target"]), _effect(each["effect"])]
        for each in result["differences"]["numbers"]
    ]
    return ("mean of", "source", "target", "effect size d"), lines


def _words(result: Mapping[str, Any]) -> Table:
    found = result["differences"].get("words") or {}
    lines = [
        [side, each["word"], percent(each["source"]), percent(each["target"]), f"{each['z']:+.1f}"]
        for side, words in found.items()
        for each in words
    ]
    return ("marks the", "word", "texts of the source", "texts of the target", "z"), lines


def _short(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3g}"


def _effect(score: Mapping[str, float]) -> str:
    return f"{score['value']:+.2f} [{score['low']:+.2f}, {score['high']:+.2f}]"


def _only(result: Mapping[str, Any]) -> str:
    """Says whether proportions alone differ, or that it was not tested."""
    if result["only_proportions"]:
        return "yes"
    tested = result["proportions_tested"] or result["verdict"] == "no shift"
    return "no" if tested else "not tested"
