"""Measures what the freeze threshold buys, beside a clock, half a trunk and shorter runs.

Every trial is one fit and one line of a file; a run that was stopped goes on where it was, and
each has a process of its own unless some run beside one another. Rows of the table, for each
task and seed:

* `control`: nothing frozen.
* `auto`: the rule at its usual value.
* `shorter`: nothing frozen, as many epochs as take the seconds of `auto`.
* `clock`: all blocks frozen at the step that saves as much of the backward pass as `auto` did.
* `half`: the lower half of the blocks frozen from the first step.
* `longer`: the rule, as many epochs as take the seconds of `control`.
* `rested`, `staggered`, `outputs`, `gradient`: other rules at their usual values.

With `--at-once N`, N trials run beside one another (on a graphics card, say): seconds then tell
nothing, and `shorter` and `longer` are set by equal work, the operations of both passes.

Differences to the control are paired row by row on the test part; the interval is Student's
over the seeds.
"""

import argparse
import json
import math
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import partial
from pathlib import Path

from marks import Trial, add_trial, read_trials, table_marks, write_between
from threshold_trials import BENCH, NEEDS, ROWS, TASKS, Task, measure, settings_of, write_data

MARKS = table_marks("threshold.py")
ORDER = range(len(TASKS))
Key = tuple[str, str, int]
"""Row, task and seed of a trial."""


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tasks", nargs="*", default=[], help="their numbers, from 0; default all")
    parser.add_argument("--rows", nargs="*", default=list(ROWS), choices=ROWS)
    parser.add_argument("--at-once", type=int, default=1, help="trials beside one another")
    parser.add_argument("--precision", default="auto", help="of every fit")
    parser.add_argument("--trials", type=Path, default=BENCH / "threshold.jsonl")
    parser.add_argument("--write", type=Path, help="a page with the marks; nothing is run")
    return parser.parse_args()


def trials(typed: argparse.Namespace) -> Iterator[Trial]:
    """Yields every trial that is missing, row by row, so that what is cut off is rows."""
    tasks = {TASKS[int(number)].name: TASKS[int(number)] for number in typed.tasks or ORDER}
    seeds = range(typed.seeds)
    wanted = [(row, name, seed) for row in typed.rows for seed in seeds for name in tasks]
    done = {_key(trial): trial for trial in read_trials(typed.trials)}
    waiting = [key for key in wanted if key not in done]
    working: dict[Future[Trial], Key] = {}
    with tempfile.TemporaryDirectory() as folder, _pool(typed.at_once) as pool:
        places = {name: write_data(tasks[name], Path(folder)) for name in tasks}
        while waiting or working:
            for key in _ready(waiting, done)[: typed.at_once - len(working)]:
                settings = _settings(typed, key, tasks[key[1]], done)
                working[pool.submit(measure, settings, places[key[1]])] = key
                waiting.remove(key)
            if not working:
                raise SystemExit(f"{waiting[0][0]} is set by rows that were not asked for")
            for future in wait(working, return_when=FIRST_COMPLETED).done:
                row, name, seed = key = working.pop(future)
                own = {"task": name, "row": row, "seed": seed, "at_once": typed.at_once}
                done[key] = {**own, **future.result()}
                add_trial(typed.trials, done[key])
                yield done[key]


def _pool(at_once: int) -> ProcessPoolExecutor:
    """Returns the processes: a new one for each trial, or some that work beside one another."""
    fresh = multiprocessing.get_context("spawn")
    if at_once == 1:
        return ProcessPoolExecutor(1, mp_context=fresh, max_tasks_per_child=1)
    os.environ["OMP_NUM_THREADS"] = "1"  # threads of several processes would wait for one another
    return ProcessPoolExecutor(at_once, mp_context=fresh)


def _key(trial: Trial) -> Key:
    return trial["row"], trial["task"], trial["seed"]


def _ready(waiting: list[Key], done: dict[Key, Trial]) -> list[Key]:
    """Returns the keys that need nothing which was not measured."""
    return [
        (row, name, seed)
        for row, name, seed in waiting
        if all((other, name, seed) in done for other in NEEDS.get(row, ()))
    ]


def _settings(typed: argparse.Namespace, key: Key, task: Task, done: dict[Key, Trial]) -> Trial:
    row, name, seed = key
    before = {other: done[other, name, seed] for other in ROWS if (other, name, seed) in done}
    alone = typed.at_once == 1
    settings = settings_of(row, task, before, equal="seconds" if alone else "work")
    if task.kind == "text":
        settings["max_length"] = 128
    # Beside others none waits for what another writes.
    return {**settings, "cache": alone, "seed": seed, "precision": typed.precision}


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
    return "\n".join([*lines, "", *_places(known)])


def _places(known: list[Trial]) -> list[str]:
    """Returns where each task was measured, a line each."""
    found: dict[str, list[str]] = {}
    for task in TASKS:
        of_task = [t for t in known if t["task"] == task.name]
        for trial in of_task:
            beside = trial["at_once"]
            many = f", {beside} at once: equal work, not equal seconds" if beside > 1 else ""
            place = f"{trial['place']}, {trial['precision']}{many}"
            found.setdefault(place, []).append(task.name)
    return [f"* {'; '.join(dict.fromkeys(names))}: {place}." for place, names in found.items()]


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
        f"{average('train_seconds'):.0f}" if found[0]["at_once"] == 1 else "–",
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
