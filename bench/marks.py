"""Reads and writes what the benches keep: trials as lines of JSON, texts between two marks."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Trial = dict[str, Any]


def table_marks(script: str) -> tuple[str, str]:
    """Returns the two comments between which a script's table stands."""
    return f"<!-- table: python bench/{script} -->", "<!-- end of table -->"


def read_trials(path: Path) -> list[Trial]:
    """Returns the trials so far; none where there is no file."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def add_trial(path: Path, trial: Trial) -> None:
    """Adds one line to the file of trials."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(trial) + "\n")


def write_between(page: Path, marks: tuple[str, str], text: str) -> None:
    """Replaces what stands between the marks of a page."""
    whole = page.read_text(encoding="utf-8")
    if not all(whole.count(mark) == 1 for mark in marks):
        raise SystemExit(f"{page} has not each of these marks once: {', '.join(marks)}")
    before, _, rest = whole.partition(marks[0])
    _, _, after = rest.partition(marks[1])
    made = f"{before}{marks[0]}\n\n{text}\n\n{marks[1]}{after}"
    page.write_text(made, encoding="utf-8")


def last_of(trials: list[Trial], **wanted: object) -> list[Trial]:
    """Returns the trials that have these values, of each seed the last one, by seed."""
    found = {t["seed"]: t for t in trials if wanted.items() <= t.items()}
    return [found[seed] for seed in sorted(found)]


def marks_of(command: str) -> tuple[str, str]:
    """Returns the marks between which a command writes.

    >>> marks_of("python bench/few.py")
    ('<!-- table: python bench/few.py -->', '<!-- end of python bench/few.py -->')
    """
    return f"<!-- table: {command} -->", f"<!-- end of {command} -->"


def markdown(heads: tuple[str, ...], lines: list[list[str]]) -> str:
    """Returns a table in Markdown."""
    rows = [list(heads), ["---"] * len(heads), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def run_or_write(
    typed: argparse.Namespace,
    command: str,
    *,
    missing: Callable[[argparse.Namespace], Iterable[Trial]],
    page_text: Callable[[list[Trial]], str],
) -> None:
    """Runs what is missing and prints the table, or writes it into a page.

    Args:
        typed: With `trials`, the file of trials, and `write`, a page or None.
        command: That the page's marks name.
        missing: Makes and keeps the trials that are missing.
        page_text: Makes the table.
    """
    if typed.write:
        write_between(typed.write, marks_of(command), page_text(read_trials(typed.trials)))
        return
    for trial in missing(typed):
        print(json.dumps(trial), file=sys.stderr)
    print(page_text(read_trials(typed.trials)))
