"""Measures the default number of rows a step on few texts beside steps of 32 rows.

Every trial is one whole process and one line of a file; a bench that was stopped goes on where
it was. The rate of the default goes with the root of its rows, and as many more steps are taken
as it is lower: of 8 rows half of the passes, see `regraft.runs.choosing.defaults`. A third way
takes the small steps for all passes that steps of 32 rows have.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from fits import fitted, place_of, points, spread
from marks import Trial, add_trial, last_of, markdown, read_trials, run_or_write
from regraft.runs.choosing.defaults import passes_over
from tables import BENCH, Rows, table_of

COMMAND = "python bench/few_texts.py"
DATA = ("starter:sentiment-news", "starter:sentiment-product", "starter:bbc-news")
OLD, ALL, NEW = "32 rows", "small, as many passes", "as by default"
WAYS = (OLD, ALL, NEW)
OLD_ROWS = 32
ROWS = Rows(200, 50, 150, words=60)


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", nargs="*", default=DATA)
    parser.add_argument("--train", type=int, default=ROWS.train, help="training rows of a class")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=Path, default=BENCH / "few_texts.jsonl")
    parser.add_argument("--write", type=Path, help="a page with the marks; nothing is run")
    return parser.parse_args()


def trials(typed: argparse.Namespace) -> Iterator[Trial]:
    """Yields what was missing, seed by seed so that pairs are complete."""
    known = read_trials(typed.trials)
    rows = Rows(typed.train, ROWS.val, ROWS.test, ROWS.words)
    for seed in range(typed.seeds):
        for data in typed.data:
            table = table_of(data, rows, seed=seed)
            for way in WAYS:
                key = {"data": data.removeprefix("starter:"), "way": way, "seed": seed}
                key["rows"] = rows.train
                if not any(key.items() <= trial.items() for trial in known):
                    trial = {**key, **_trial(table, way, seed=seed)}
                    add_trial(typed.trials, trial)
                    yield trial


def _trial(table: Path, way: str, *, seed: int) -> Trial:
    with tempfile.TemporaryDirectory() as folder:
        words = [str(table), *_flags(table, way), "--seed", str(seed), "--no-baselines"]
        result = fitted(words, run=Path(folder) / "run")
    return {
        "accuracy": result["scores"]["test"]["accuracy"]["value"],
        "log_loss": result["scores"]["test"]["log_loss"]["value"],
        "train_seconds": result["seconds"]["train"],
        "environment": {**result["environment"], "verdict": None},
    }


def _flags(table: Path, way: str) -> list[str]:
    if way == OLD:
        return ["--batch-size", str(OLD_ROWS)]
    if way == NEW:
        return []
    rows = pc.sum(pc.equal(pq.read_table(table)["split"], "train")).as_py()
    return ["--epochs", str(passes_over(int(rows), "text", batch_size=OLD_ROWS))]


def page_text(known: list[Trial]) -> str:
    """Returns the table: one line for each data set, number of rows and way."""
    groups = dict.fromkeys((trial["data"], trial["rows"]) for trial in known)
    lines = [_line(known, data, rows, way) for data, rows in groups for way in WAYS]
    if not lines:
        return "Not measured."
    heads = ("data", "rows a class", "a step", "seeds", "accuracy", "points", "seconds of training")
    places = sorted({place_of(trial["environment"]) for trial in known})
    pooled = "".join(_pooled(known, way) for way in WAYS[1:])
    return f"{markdown(heads, lines)}\n\n{pooled}Measured on {'; '.join(places)}."


def _pooled(known: list[Trial], way: str) -> str:
    """Tells the mean gap over all data, numbers of rows and seeds that have both ways."""
    groups = dict.fromkeys((trial["data"], trial["rows"]) for trial in known)
    gaps = [gap for data, rows in groups for gap in _gaps(known, data, rows, way)]
    return f"All pairs, {way}: {points(gaps)} points.\n\n" if gaps else ""


def _gaps(known: list[Trial], data: str, rows: int, way: str) -> list[float]:
    old = {trial["seed"]: trial for trial in last_of(known, data=data, rows=rows, way=OLD)}
    found = last_of(known, data=data, rows=rows, way=way)
    return [t["accuracy"] - old[t["seed"]]["accuracy"] for t in found if t["seed"] in old]


def _line(known: list[Trial], data: str, rows: int, way: str) -> list[str]:
    found = last_of(known, data=data, rows=rows, way=way)
    gaps = _gaps(known, data, rows, way)
    if not found:
        return [data, str(rows), way, "0", "", "", ""]
    return [
        data,
        str(rows),
        way,
        str(len(found)),
        spread([trial["accuracy"] for trial in found]),
        points(gaps) if gaps and way != OLD else "",
        f"{sum(trial['train_seconds'] for trial in found) / len(found):.0f}",
    ]


def main() -> None:
    """Runs what is missing, or writes the page."""
    run_or_write(arguments(), COMMAND, missing=trials, page_text=page_text)


if __name__ == "__main__":
    main()
