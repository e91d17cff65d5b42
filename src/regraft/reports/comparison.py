"""Makes the table, the sentences and the page of a comparison from its document."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from regraft.errors import counted
from regraft.reports.curve import accuracy_by_rows
from regraft.reports.html import environment, write_page
from regraft.reports.words import (
    NOTHING,
    duration,
    named,
    percent,
    percent_score,
    plain_score,
    points,
    share,
)

Document = Mapping[str, Any]
OF_SECONDS = (
    "Seconds depend on the order: the first trial that wants features of all rows computes them, "
    "and those after it read them from the store."
)
"""Stands under the table."""


def heading(result: Document) -> str:
    """Returns in one line what was compared.

    >>> heading({"strategies": [1, 2], "data": "reviews", "backbone": "b", "seeds": [0]})
    '2 strategies on reviews with b, 1 seed each'
    """
    compared = counted(len(result["strategies"]), "strategy", many="strategies")
    network, seeds = named(result["backbone"]), counted(len(result["seeds"]), "seed")
    return f"{compared} on {named(result['data'])} with {network}, {seeds} each"


def headers(result: Document) -> list[str]:
    """Returns the heads of the table's columns."""
    beside = f"beside {result['against']}"
    first = ["strategy", "labels", "rows", "accuracy", "macro-F1", "log loss"]
    return [*first, beside, "seconds", "trained"]


def lines(result: Document) -> list[list[str]]:
    """Returns the cells of each line: every share of every baseline, then of every strategy."""
    return [
        [made["name"], *_cells(cell, len(result["seeds"]))]
        for made in (*result["baselines"], *result["strategies"])
        for cell in made["fractions"]
    ]


def strongest(result: Document) -> int:
    """Returns the number of the line of the best strategy with most labels."""
    names = [strategy["name"] for strategy in result["strategies"]]
    before = len(result["baselines"]) + names.index(result["best"]["name"])
    return (before + 1) * len(result["fractions"]) - 1


def _cells(cell: Document, seeds: int) -> list[str]:
    labels, lost = f"{100 * cell['fraction']:.4g} %", cell.get("diverged", 0)
    if cell["accuracy"] is None:
        return [labels, NOTHING, "diverged", *[NOTHING] * 5]
    told = f", diverged in {lost} of {counted(seeds, 'seed')}" if lost else ""
    return [
        labels,
        f"{cell['rows']:,.0f}",
        percent_score(cell["accuracy"]) + told,
        plain_score(cell["macro_f1"]),
        plain_score(cell["log_loss"]),
        difference_words(cell["difference"]),
        duration(cell["seconds"]),
        share(cell["trained_share"]),
    ]


def difference_words(difference: Document | None) -> str:
    """Returns a difference of accuracies in points with its interval.

    >>> difference_words({"value": 0.021, "low": -0.004, "high": 0.046})
    '+2.1 [−0.4, +4.6]'
    """
    if difference is None:
        return NOTHING
    value, low, high = (points(difference[end]) for end in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def sentences(result: Document) -> list[str]:
    """Returns what the comparison says, in words."""
    told = (_of_the_best, _of_the_gain, _of_the_rows, _of_the_diverged, _of_the_proof)
    return [sentence for part in told for sentence in part(result)]


def _of_the_best(result: Document) -> Iterator[str]:
    best = result["best"]
    if best["over"] is None:
        return
    unjudged = best.get("unjudged")
    if unjudged:
        yield (
            f"{' and '.join(unjudged)}: trained on all rows at once, so there is no validation "
            "score, and it is not chosen by one."
        )
    left = [each for each in result["strategies"] if each["fractions"][-1]["accuracy"]]
    if unjudged and len(unjudged) == len(left):
        return
    by, points = (" by macro F1", "points of accuracy") if _is_balanced(best) else ("", "points")
    yield (
        f"{best['name']} is best on validation{by}. On the test rows it is "
        f"{difference_words(best['difference'])} {points} beside {best['over']}: {_clearly(best)}."
    )


def _is_balanced(best: Document) -> bool:
    return bool(best.get("of") == "macro_f1")


def _clearly(best: Document) -> str:
    """Returns whether the strategy that validation rows chose is better on the test rows."""
    if best["clear"]:
        return "more than the interval"
    worse = best["difference"]["high"] < 0
    return "worse, by more than the interval" if worse else "not more than the interval"


def _of_the_gain(result: Document) -> Iterator[str]:
    gain = result["gain"]
    if gain is None:
        return
    name, clear = result["best"]["name"], gain["difference"]["low"] > 0
    told = "that is what transfer gained" if clear else "transfer gained nothing measurable"
    if re.match(r"scratch\b", name):
        told = "nothing was transferred"
    difference = difference_words(gain["difference"])
    yield f"{name} is {difference} points beside {gain['over']}: {told}."


def _of_the_rows(result: Document) -> Iterator[str]:
    needed, name = result["rows_needed"], result["best"]["name"]
    if needed is None:
        return
    reached = f"{needed['of']:,.0f} ({percent(needed['accuracy'])})"
    goal = f"what {result['against']} has with {reached}"
    if needed["rows"] is None:
        yield f"{name} does not reach {goal} with these labels."
        return
    about = "at most" if needed["at_most"] else "about"
    yield (
        f"{name} needs {about} {needed['rows']:,.0f} labelled rows to reach {goal}: "
        f"{share(needed['share'])} of them."
    )


def _of_the_diverged(result: Document) -> Iterator[str]:
    lost = Counter(trial["strategy"] for trial in result.get("diverged", ()))
    trials = len(result["seeds"]) * len(result["fractions"])
    for name, count in lost.items():
        if count == trials:
            yield f"{name} diverged in every trial, so it has no scores: try a smaller --lr."
        else:
            yield (
                f"{name} diverged in {count} of {trials} trials, which are in no mean and no "
                "difference: try a smaller --lr."
            )


def _of_the_proof(result: Document) -> Iterator[str]:
    if not result["proof"]["holds"]:
        yield "In a trial something moved that was to stand still: see the files in trials/."


def write_comparison(result: Document, path: Path) -> None:
    """Writes the page of a comparison.

    Args:
        result: Its document.
        path: The file to write.

    Raises:
        StorageError: If the disk says no (raised by `write_page`).
    """
    write_page(render(result), path)


def render(result: Document) -> str:
    """Returns the page as text: no scripts, nothing from the network, all data escaped."""
    return (
        environment()
        .get_template("compare.html.j2")
        .render(
            result=result,
            heading=heading(result),
            headers=headers(result),
            lines=lines(result),
            strongest=strongest(result),
            of_seconds=OF_SECONDS,
            sentences=sentences(result),
            curve=accuracy_by_rows(result["strategies"], classic=_classic(result)),
        )
    )


def _classic(result: Document) -> Document | None:
    return next((made for made in result["baselines"] if made["key"] == "classic"), None)
