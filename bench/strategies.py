"""Measures every strategy on four small data sets, and writes the tables of docs/strategies.md.

A data set is one `regraft compare`, resumable trial by trial in `bench/comparisons`; what it
came to is a line of `bench/strategies.jsonl`. The whole is to take under an hour on two cores,
so each data set has few rows, short texts or small pictures, and a few passes: see DATA. What
it did take is written under the table. `--write docs/strategies.md` makes the tables from the
lines; nothing is run.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fits import place_of
from marks import Trial, add_trial, markdown, marks_of, read_trials, write_between
from tables import BENCH, Rows, table_of

COMMAND = "python bench/strategies.py"
PLACE = BENCH / "comparisons"
REFERENCE, SCRATCH, AUTO = "two-stage", "scratch", "auto"
STRATEGIES = (
    REFERENCE,
    SCRATCH,
    "zero",
    "head",
    "full",
    "layerwise",
    "gradual",
    "l2-start",
    "decay",
    "contrastive",
    AUTO,
)
Document = dict[str, Any]


@dataclass(frozen=True)
class Data:
    """One column of the table.

    Args:
        name: Shown.
        source: `starter:NAME`, or a zip under `shared/data/image`.
        rows: Of a class, in each part.
        flags: Settings that all its trials share, which hold the cost down.
    """

    name: str
    source: str
    rows: Rows
    flags: dict[str, Any]


DATA = (
    Data(
        "sentiment-news, 150 a class",
        "starter:sentiment-news",
        Rows(150, 50, 250),
        {"max_length": 40, "epochs": 3.0},
    ),
    Data(
        "bbc-news, 20 a class",
        "starter:bbc-news",
        Rows(20, 20, 80),
        {"max_length": 64, "epochs": 4.0},
    ),
    Data(
        "cifar10-small, 100 a class",
        "cifar10-small",
        Rows(100, 20, 50),
        {"image_size": 96, "epochs": 2.0},
    ),
    Data(
        "fashion-mnist-small, 50 a class",
        "fashion-mnist-small",
        Rows(50, 20, 50),
        {"image_size": 96, "epochs": 4.0},
    ),
)


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="*", default=[], help="data sets by the start of a name")
    parser.add_argument("--strategies", nargs="*", default=STRATEGIES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=float, help="passes; default: those of the data set")
    parser.add_argument("--shared", action="store_true", help="the machine does other work too")
    parser.add_argument("--trials", type=Path, default=BENCH / "strategies.jsonl")
    parser.add_argument("--write", type=Path, help="a page with the marks; nothing is run")
    return parser.parse_args()


def measure(data: Data, typed: argparse.Namespace) -> Trial:
    """Compares the strategies on one data set, and returns what it came to."""
    import regraft

    flags = {**data.flags, **({"epochs": typed.epochs} if typed.epochs else {})}
    folder = PLACE / f"{typed.trials.stem}-{data.source.removeprefix('starter:')}"
    result = regraft.compare(
        str(table_of(data.source, data.rows)),
        strategies=tuple(typed.strategies),
        seeds=typed.seeds,
        against=REFERENCE,
        out=folder,
        **flags,
    )
    own = {"data": data.name, "flags": flags, "auto": auto_beside(folder), "shared": typed.shared}
    return {**distilled(result), **own}


def distilled(result: Document) -> Trial:
    """Returns of a comparison's document what the tables need."""
    ways = [
        {"name": each["name"], **each["fractions"][0]}
        for each in (*result["baselines"], *result["strategies"])
    ]
    environment = {**result["environment"], "verdict": None}
    minutes = round(result["seconds"]["total"] / 60, 1)
    seeds = len(result["seeds"])
    return {"ways": ways, "minutes": minutes, "seeds": seeds, "environment": environment}


def records_of(folder: Path) -> dict[str, list[Document]]:
    """Returns the records of a comparison's trials by strategy, in the order of the seeds."""
    found: dict[str, list[Document]] = {}
    for place in (folder / "trials").glob("*.json"):
        record = json.loads(place.read_text("utf-8"))
        found.setdefault(record["config"]["settings"]["strategy"], []).append(record)
    for records in found.values():
        records.sort(key=lambda record: record["config"]["settings"]["seed"])
    return found


def auto_beside(folder: Path) -> Document | None:
    """Returns how `auto` stands beside the fixed strategy that is best on the test rows.

    That one was picked with hindsight, which `auto` did not have.
    """
    from regraft.runs.comparing.document import cell_scores, difference

    records = records_of(folder)
    fixed = [name for name in records if name in STRATEGIES and name != AUTO]
    if AUTO not in records or not fixed:
        return None
    best = max(fixed, key=lambda name: cell_scores(records[name])["accuracy"]["value"])
    return {"beside": best, **vars(difference(records[AUTO], records[best]))}


def page_text(known: Sequence[Trial]) -> str:
    """Returns the tables of the page: accuracies, seconds, and what follows from them."""
    last = {trial["data"]: trial for trial in known}
    made = [last[data.name] for data in DATA if data.name in last]
    if not made:
        return "Not measured."
    places = "; ".join(sorted({place_of(trial["environment"]) for trial in made}))
    seeds = made[0]["seeds"]
    return "\n\n".join(
        [
            f"Accuracy on test rows, the mean over {seeds} seeds with its 95 % interval:",
            _table(made, _accuracy),
            f"Points beside `{REFERENCE}`, paired row by row and seed by seed:",
            _table(made, _beside),
            *_seconds(made),
            "\n".join(f"* {sentence}" for trial in made for sentence in sentences(trial)),
            f"Measured on {places}.",
        ]
    )


def _seconds(made: Sequence[Trial]) -> list[str]:
    """Returns the seconds of the trials, where the machine did nothing else."""
    if any(trial.get("shared") for trial in made):
        return ["The machine did other work at the same time, so seconds are not told."]
    minutes = sum(trial["minutes"] for trial in made)
    return [
        "Seconds of a trial:",
        _table(made, lambda way: f"{way['seconds']:.0f}"),
        f"All trials together took {minutes:.0f} minutes.",
    ]


def _table(made: Sequence[Trial], cell: Any) -> str:
    names = list(dict.fromkeys(way["name"] for trial in made for way in trial["ways"]))
    columns = [{way["name"]: cell(way) for way in trial["ways"]} for trial in made]
    heads = ("strategy", *(trial["data"] for trial in made))
    return markdown(heads, [[name, *(c.get(name, "") for c in columns)] for name in names])


def _accuracy(way: Document) -> str:
    score = way["accuracy"]
    return f"{score['value']:.3f} ({score['low']:.3f}–{score['high']:.3f})"


def _beside(way: Document) -> str:
    gap = way["difference"]
    return "" if gap is None else _points(gap)


def _points(gap: Document) -> str:
    """Returns a difference in points with its interval.

    >>> _points({"value": -0.02, "low": -0.03, "high": 0.01})
    '-2.0 (-3.0 to +1.0)'
    """
    return "{value:+.1f} ({low:+.1f} to {high:+.1f})".format(
        **{end: 100 * gap[end] for end in ("value", "low", "high")}
    )


def sentences(trial: Trial) -> list[str]:
    """Returns whether the two things hold that are asked of every data set."""
    found = []
    for way in trial["ways"]:
        if way["name"] == SCRATCH and way["difference"]:
            clear = "clearly below" if way["difference"]["high"] < 0 else "NOT clearly below"
            words = f"`{SCRATCH}` is {clear} `{REFERENCE}`: {_points(way['difference'])}"
            found.append(f"{trial['data']}: {words}.")
    auto = trial["auto"]
    if auto:
        # What counts is whether it is worse by more than can be chance.
        verdict = "clearly below" if auto["high"] < 0 else "not below"
        words = f"`{AUTO}` is {verdict} `{auto['beside']}`, the best one in hindsight"
        found.append(f"{trial['data']}: {words}, by more than chance: {_points(auto)}.")
    return found


def main() -> None:
    """Runs the comparisons that are left, or writes the page."""
    typed = arguments()
    if not typed.write:
        for data in DATA:
            if not typed.only or any(data.name.startswith(start) for start in typed.only):
                # Where it is done, the comparison reads what it came to; nothing runs twice.
                trial = measure(data, typed)
                if trial not in read_trials(typed.trials):
                    add_trial(typed.trials, trial)
        print(page_text(read_trials(typed.trials)))
        return
    write_between(typed.write, marks_of(COMMAND), page_text(read_trials(typed.trials)))


if __name__ == "__main__":
    main()
