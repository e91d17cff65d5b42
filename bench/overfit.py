"""Measures what `decay` does against learning by heart, beside `full`, at ten labels a class.

Every trial is one whole process and one line of a file; a bench that was stopped goes on where
it was. The gap is the accuracy (and the log loss) on the very rows that were trained on, less
that on the test rows, both of the network that is kept. Intervals are Student's over the seeds,
of differences paired by seed.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fits import REGRAFT, fitted, over_seeds, place_of, points, spread
from marks import Trial, add_trial, last_of, markdown, read_trials, run_or_write
from tables import BENCH, Rows, table_of

COMMAND = "python bench/overfit.py"
REFERENCE = "full"
STRATEGIES = (REFERENCE, "decay", "decay:rate=0.001", "decay:rate=0.01")


@dataclass(frozen=True)
class Task:
    """One data set: its rows of a class in train, val and test, and flags that hold the cost."""

    source: str
    rows: Rows
    flags: tuple[str, ...]


TASKS = {
    "text": Task("starter:sentiment-movie", Rows(10, 0, 250), ("--max-length", "48")),
    "image": Task("fashion-mnist-small", Rows(10, 0, 50), ("--image-size", "64")),
}


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tasks", nargs="*", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--strategies", nargs="*", default=STRATEGIES)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", help="passes; default: as usual")
    parser.add_argument("--trials", type=Path, default=BENCH / "overfit.jsonl")
    parser.add_argument("--write", type=Path, help="a page with the marks; nothing is run")
    return parser.parse_args()


def trials(typed: argparse.Namespace) -> Iterator[Trial]:
    """Yields what was missing, seed by seed so that pairs are complete."""
    known = read_trials(typed.trials)
    done = {(trial["task"], trial["strategy"], trial["seed"]) for trial in known}
    for seed in range(typed.seeds):
        for name in typed.tasks:
            for strategy in typed.strategies:
                if (name, strategy, seed) not in done:
                    trial = {"task": name, "strategy": strategy, "seed": seed}
                    trial |= measure(TASKS[name], strategy, (seed, typed.epochs))
                    add_trial(typed.trials, trial)
                    yield trial


def measure(task: Task, strategy: str, more: tuple[int, str | None]) -> Trial:
    """Returns the scores of one network on what it was trained on, and on the test rows."""
    seed, epochs = more
    table = table_of(task.source, task.rows, seed=seed)
    words = [str(table), "--strategy", strategy, "--seed", str(seed), "--no-baselines"]
    words += [*task.flags, *(["--epochs", epochs] if epochs else [])]
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        result = fitted(words, run=run)
        train = trained_on(table, run, Path(folder) / "train.parquet")
    test = {key: result["scores"]["test"][key]["value"] for key in ("accuracy", "log_loss")}
    return {
        "train": train,
        "test": test,
        "gradient_norms": [record["gradient_norm"] for record in result["history"]],
        "environment": {**result["environment"], "verdict": None},
        "wall": result["wall"],
    }


def trained_on(table: Path, run: Path, place: Path) -> dict[str, float]:
    """Returns the scores of a run on the rows that it was trained on."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    rows = pq.read_table(table)
    kept = rows.filter(pc.not_equal(rows["split"], "test")).drop_columns(["split"])
    pq.write_table(kept, place)
    words = [REGRAFT, "evaluate", str(run), str(place), "--json"]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    scores: dict[str, Any] = json.loads(done.stdout)["scores"]
    found = scores.get("test", scores)
    return {key: found[key]["value"] for key in ("accuracy", "log_loss")}


def gap(trial: Trial, score: str) -> float:
    """Returns by how much better the rows trained on are: accuracy more, log loss less."""
    sign = 1 if score == "accuracy" else -1
    return float(sign * (trial["train"][score] - trial["test"][score]))


def page_text(known: list[Trial]) -> str:
    """Returns the table: one line for each task and strategy."""
    lines = [
        _line(known, task, strategy)
        for task in dict.fromkeys(trial["task"] for trial in known)
        for strategy in dict.fromkeys(t["strategy"] for t in known if t["task"] == task)
    ]
    if not lines:
        return "Not measured."
    heads = (
        *("data", "strategy", "seeds", "train accuracy", "test accuracy"),
        *(f"gap, points beside {REFERENCE}", f"test, points beside {REFERENCE}"),
        f"gap of the log loss beside {REFERENCE}",
    )
    places = sorted({place_of(trial["environment"]) for trial in known})
    return f"{markdown(heads, lines)}\n\nMeasured on {'; '.join(places)}."


def _line(known: list[Trial], task: str, strategy: str) -> list[str]:
    found = last_of(known, task=task, strategy=strategy)
    other = {trial["seed"]: trial for trial in last_of(known, task=task, strategy=REFERENCE)}
    pairs = [(t, other[t["seed"]]) for t in found if t["seed"] in other and strategy != REFERENCE]
    begin = [TASKS[task].source.removeprefix("starter:"), f"`{strategy}`", str(len(found))]
    means = [spread([trial[part]["accuracy"] for trial in found]) for part in ("train", "test")]
    if not pairs:
        return [*begin, *means, "", "", ""]
    losses = [gap(mine, "log_loss") - gap(full, "log_loss") for mine, full in pairs]
    return [
        *begin,
        *means,
        points([gap(mine, "accuracy") - gap(full, "accuracy") for mine, full in pairs]),
        points([mine["test"]["accuracy"] - full["test"]["accuracy"] for mine, full in pairs]),
        _plain(losses),
    ]


def _plain(values: list[float]) -> str:
    """Returns a mean with its interval, of values that are not shares."""
    mean, half = over_seeds(values)
    return f"{mean:+.3f} ± {half:.3f}" if half == half else f"{mean:+.3f}"


def main() -> None:
    """Runs what is missing, or writes the page."""
    run_or_write(arguments(), COMMAND, missing=trials, page_text=page_text)


if __name__ == "__main__":
    main()
