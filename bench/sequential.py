"""Measures `sequential` at 200 labelled rows of the target, beside the target alone.

One `regraft compare` a source, resumable trial by trial in `bench/comparisons`; what it came to
is a line of `bench/sequential.jsonl`. The first source has the target's classes, the second has
others: there the source's rows have a head of their own while training.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fits import place_of
from marks import Trial, add_trial, markdown, marks_of, read_trials, write_between
from tables import BENCH, Rows, table_of

COMMAND = "python bench/sequential.py"
PLACE = BENCH / "comparisons"
TARGET = "starter:sentiment-product"
SOURCES = ("starter:sentiment-movie", "starter:bbc-news")
ALONE = "two-stage"
STRATEGIES = (ALONE, "sequential", "sequential:final_target=true")
ROWS = Rows(80, 20, 225)


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sources", nargs="*", default=SOURCES)
    parser.add_argument("--strategies", nargs="*", default=STRATEGIES)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=float, help="passes; default: as usual")
    parser.add_argument("--test", type=int, default=ROWS.test, help="test rows of a class")
    parser.add_argument("--trials", type=Path, default=BENCH / "sequential.jsonl")
    parser.add_argument("--write", type=Path, help="a page with the marks; nothing is run")
    return parser.parse_args()


def measure(source: str, typed: argparse.Namespace) -> Trial:
    """Compares target alone and target with one source, and returns what it came to."""
    import regraft

    rows = Rows(ROWS.train, ROWS.val, typed.test)
    flags: dict[str, Any] = {"epochs": typed.epochs} if typed.epochs else {}
    result = regraft.compare(
        str(table_of(TARGET, rows)),
        strategies=tuple(typed.strategies),
        seeds=typed.seeds,
        source=source,
        baselines=False,
        out=PLACE / f"{typed.trials.stem}-{source.removeprefix('starter:')}",
        **flags,
    )
    ways = [{"name": each["name"], **each["fractions"][0]} for each in result["strategies"]]
    environment = {**result["environment"], "verdict": None}
    own = {"source": source.removeprefix("starter:"), "seeds": len(result["seeds"])}
    return {**own, "ways": ways, "environment": environment}


def page_text(known: Sequence[Trial]) -> str:
    """Returns the table: one line for each source and strategy."""
    last = {trial["source"]: trial for trial in known}
    lines = [_line(trial, way) for trial in last.values() for way in trial["ways"]]
    if not lines:
        return "Not measured."
    heads = ("source", "strategy", "seeds", "accuracy", f"points beside {ALONE}", "seconds")
    places = sorted({place_of(trial["environment"]) for trial in last.values()})
    return f"{markdown(heads, lines)}\n\nMeasured on {'; '.join(places)}."


def _line(trial: Trial, way: dict[str, Any]) -> list[str]:
    score, gap = way["accuracy"], way["difference"]
    beside = ""
    if gap:
        low, value, high = (100 * gap[end] for end in ("low", "value", "high"))
        beside = f"{value:+.1f} ({low:+.1f} to {high:+.1f})"
    return [
        "none" if way["name"] == ALONE else trial["source"],
        f"`{way['name']}`",
        str(trial["seeds"]),
        f"{score['value']:.3f} ({score['low']:.3f}–{score['high']:.3f})",
        beside,
        f"{way['seconds']:.0f}",
    ]


def main() -> None:
    """Runs the comparisons that are left, or writes the page."""
    typed = arguments()
    if typed.write:
        write_between(typed.write, marks_of(COMMAND), page_text(read_trials(typed.trials)))
        return
    for source in typed.sources:
        trial = measure(source, typed)
        if trial not in read_trials(typed.trials):
            add_trial(typed.trials, trial)
    print(page_text(read_trials(typed.trials)))


if __name__ == "__main__":
    main()
