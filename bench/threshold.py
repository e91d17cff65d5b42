"""Measures what the freeze threshold buys, beside a clock, half a trunk and shorter runs.

Every trial is one fit in a process of its own and one line of a file; a run that was stopped
goes on where it was. Rows of the table, for each task and seed:

* `control`: nothing frozen.
* `auto`: the rule at its usual value.
* `clock`: all blocks frozen at the step that saves as much of the backward pass as `auto` did.
* `half`: the lower half of the blocks frozen from the first step.
* `shorter`: nothing frozen, as many epochs as take the seconds of `auto`.
* `longer`: the rule, as many epochs as take the seconds of `control`.
* `staggered`, `outputs`, `gradient`: other rules at their usual values.

Differences to the control are paired row by row on the test part; the interval is Student's
over the seeds.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from marks import Trial, add_trial, read_trials, table_marks, write_between

BENCH = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("REGRAFT_SHARED", BENCH.parent.parent / "shared"))
OTHER_RULES = ("staggered", "outputs", "gradient")
ROWS = ("control", "auto", "clock", "half", "shorter", "longer", *OTHER_RULES)
WARMUP = 0.1
"""Of the default schedule, which rises in this share of the steps and falls to 0."""
MARKS = table_marks("threshold.py")


@dataclass(frozen=True)
class Task:
    """One line of the issue's table.

    Args:
        name: Shown.
        kind: `text` or `image`.
        rows: Training rows of a text task, or per class of an image task.
        epochs: Of the control.
    """

    name: str
    kind: str
    rows: int
    epochs: float


TASKS = (
    Task("imdb-2k, 3 epochs", "text", 2000, 3),
    Task("imdb-2k, 2 epochs", "text", 2000, 2),
    Task("cifar10 at 200 a class, 5 epochs", "image", 200, 5),
    Task("imdb-8k, 2 epochs", "text", 8000, 2),
    Task("imdb-2k, 8 epochs", "text", 2000, 8),
)
TEXT_TEST, IMAGE_TEST = 4000, 100


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tasks", nargs="*", default=[], help="their numbers, from 0; default all")
    parser.add_argument("--rows", nargs="*", default=list(ROWS), choices=ROWS)
    parser.add_argument("--trials", type=Path, default=BENCH / "threshold.jsonl")
    parser.add_argument("--write", type=Path, help="a page with the marks; nothing is run")
    return parser.parse_args()


def write_data(task: Task, folder: Path) -> Path:
    """Returns the table of a task: its training rows and its test rows, in a folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = text_columns(task) if task.kind == "text" else image_columns(task, folder)
    place = folder / "data.parquet"
    pq.write_table(pa.table(columns), place)
    return place


def text_columns(task: Task) -> dict[str, list[str]]:
    """Returns the first rows of IMDB's training part and of its test part."""
    import pyarrow.parquet as pq

    columns: dict[str, list[str]] = {"text": [], "label": [], "split": []}
    for part, count in (("train", task.rows), ("test", TEXT_TEST)):
        table = pq.read_table(SHARED / "data" / "text" / f"imdb-{part}.parquet").slice(0, count)
        columns["text"] += table["text"].to_pylist()
        columns["label"] += [str(label) for label in table["label"].to_pylist()]
        columns["split"] += [part] * len(table)
    return columns


def image_columns(task: Task, folder: Path) -> dict[str, list[str]]:
    """Returns the first images of each class, by name, unpacked into the folder."""
    with zipfile.ZipFile(SHARED / "data" / "image" / "cifar10-small.zip") as stored:
        stored.extractall(folder)  # our own data, named by digest in shared/data
    columns: dict[str, list[str]] = {"image": [], "label": [], "split": []}
    for part, count in (("train", task.rows), ("test", IMAGE_TEST)):
        for label in sorted((folder / "cifar10-small" / part).iterdir()):
            places = sorted(label.iterdir())[:count]
            columns["image"] += [str(place) for place in places]
            columns["label"] += [label.name] * len(places)
            columns["split"] += [part] * len(places)
    return columns


def flags_of(row: str, task: Task, before: dict[str, Trial]) -> list[str]:
    """Returns the flags of one row; some need what others took."""
    control, auto = before.get("control", {}), before.get("auto", {})
    if row == "control":
        return ["--epochs", str(task.epochs)]
    if row == "half":
        return ["--epochs", str(task.epochs), "--freeze", str(control["blocks"] // 2)]
    if row == "clock":
        value = spent_at(1 - auto["saved"])
        clock = ["--freeze-threshold-rule", "clock", "--freeze-threshold", f"{value:.4f}"]
        return ["--epochs", str(task.epochs), *clock]
    if row in OTHER_RULES:
        rule = ["--freeze-threshold-rule", row, "--freeze-threshold", "auto"]
        return ["--epochs", str(task.epochs), *rule]
    faster = control["train_seconds"] / auto["train_seconds"] if auto else 1.0
    if row == "shorter":
        return ["--epochs", f"{task.epochs / faster:.3f}"]
    longer = task.epochs * faster if row == "longer" else task.epochs
    return ["--epochs", f"{longer:.3f}", "--freeze-threshold", "auto"]


def spent_at(steps: float) -> float:
    """Returns the share of the integrated rate that is spent at a share of the steps.

    >>> spent_at(1.0), round(spent_at(0.1), 3)
    (1.0, 0.1)
    """
    if steps <= WARMUP:
        return float(steps**2 / WARMUP)
    return 1 - (1 - steps) ** 2 / (1 - WARMUP)


def measure(words: list[str], data: Path) -> Trial:
    """Returns what one fit came to, with a 1 or 0 for every test row."""
    regraft = str(Path(sys.executable).with_name("regraft"))
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [regraft, "fit", str(data), "--no-baselines", "--json", "--out", str(run)]
        done = subprocess.run([*command, *words], check=True, stdout=subprocess.PIPE, text=True)
        right = right_rows(run)
    result = json.loads(done.stdout)
    freezing = result["freezing"]
    return {
        "flags": words,
        "accuracy": sum(right) / len(right),
        "right": f"{int(''.join(map(str, right)), 2):x}",
        "rows": len(right),
        "seconds": result["seconds"]["total"],
        "train_seconds": result["seconds"]["train"],
        "saved": freezing["saved_backward_share"],
        "blocks": len(freezing["blocks"]),
        "events": [e for e in freezing["ledger"] if e["kind"] == "threshold"],
        "verified": freezing["proof"]["holds"],
        "processor": result["environment"]["processor"],
        "precision": result["environment"]["precision"],
    }


def right_rows(run: Path) -> list[int]:
    """Returns 1 for each test row that was answered rightly, else 0, in order."""
    import pyarrow.parquet as pq

    table = pq.read_table(run / "predictions-test.parquet")
    pairs = zip(table["prediction"].to_pylist(), table["label"].to_pylist(), strict=True)
    return [int(answer == label) for answer, label in pairs]


def trials(typed: argparse.Namespace) -> Iterator[Trial]:
    """Yields every trial that is missing, seed by seed, so that every task has its pairs."""
    known = read_trials(typed.trials)
    picked = [TASKS[int(number)] for number in typed.tasks] or TASKS
    for seed in range(typed.seeds):
        for task in picked:
            with tempfile.TemporaryDirectory() as folder:
                yield from _of_task(typed, known, task, (seed, Path(folder)))


def _of_task(
    typed: argparse.Namespace, known: list[Trial], task: Task, where: tuple[int, Path]
) -> Iterator[Trial]:
    seed, folder = where
    before = {t["row"]: t for t in known if (t["task"], t["seed"]) == (task.name, seed)}
    missing = [row for row in typed.rows if row not in before]
    data = write_data(task, folder) if missing else folder
    length = ["--max-length", "128"] if task.kind == "text" else []
    for row in missing:
        words = [*flags_of(row, task, before), "--seed", str(seed), *length]
        before[row] = {"task": task.name, "row": row, "seed": seed, **measure(words, data)}
        add_trial(typed.trials, before[row])
        yield before[row]


def difference(trial: Trial, control: Trial) -> float:
    """Returns the points of accuracy that a trial has more than its control."""
    ones = [bin(int(t["right"], 16)).count("1") for t in (trial, control)]
    return float(100 * (ones[0] - ones[1]) / trial["rows"])


def interval(values: list[float]) -> tuple[float, float]:
    """Returns the mean and the half width of Student's 95 % interval; NaN for one value."""
    from scipy.stats import t as student

    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, math.nan
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return mean, float(student.ppf(0.975, len(values) - 1)) * math.sqrt(variance / len(values))


def table(known: list[Trial]) -> str:
    """Returns the Markdown table: one line for each task and row."""
    heads = ("task", "row", "seeds", "accuracy", "beside control", "backward saved", "train s")
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for task in TASKS:
        of_task = [trial for trial in known if trial["task"] == task.name]
        lines += [line for row in ROWS if (line := _line(task, row, of_task))]
    places = sorted({f"{t['processor']}, {t['precision']}" for t in known})
    return "\n".join([*lines, "", f"Measured on {'; '.join(places)}, two cores."])


def _line(task: Task, row: str, of_task: list[Trial]) -> str:
    controls = {t["seed"]: t for t in of_task if t["row"] == "control"}
    found = [t for t in of_task if t["row"] == row and t["seed"] in controls]
    if not found:
        return ""
    mean, half = interval([difference(t, controls[t["seed"]]) for t in found])
    average = partial(_average, found)
    cells = [
        task.name,
        row,
        str(len(found)),
        f"{average('accuracy'):.3f}",
        "" if row == "control" else f"{mean:+.2f} ± {half:.2f}",
        f"{100 * average('saved'):.0f} %",
        f"{average('train_seconds'):.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def _average(found: list[Trial], key: str) -> float:
    return float(sum(trial[key] for trial in found) / len(found))


def main() -> None:
    """Runs what is missing, or writes the table."""
    typed = arguments()
    if typed.write:
        write_between(typed.write, MARKS, table(read_trials(typed.trials)))
        return
    for trial in trials(typed):
        shown = {key: value for key, value in trial.items() if key not in ("right", "events")}
        print(json.dumps(shown), file=sys.stderr)
    print(table(read_trials(typed.trials)))


if __name__ == "__main__":
    main()
