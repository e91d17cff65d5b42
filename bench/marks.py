"""Reads and adds to files of trials, and writes what was made of them into pages."""

import json
from pathlib import Path
from typing import Any

Trial = dict[str, Any]


def read_trials(path: Path) -> list[Trial]:
    """Returns the trials of a file, one JSON object a line; none where there is no file."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def add_trial(path: Path, trial: Trial) -> None:
    """Adds one trial as a line, so that a run that is stopped goes on from there."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(trial) + "\n")


def write_between(page: Path, marks: tuple[str, str], text: str) -> None:
    """Replaces what stands between two marks of a page.

    Raises:
        SystemExit: If a mark is missing; the page stays as it was.
    """
    before, first, rest = page.read_text(encoding="utf-8").partition(marks[0])
    _, second, after = rest.partition(marks[1])
    if not (first and second):
        raise SystemExit(f"{page} lacks {marks[1] if first else marks[0]}")
    page.write_text(f"{before}{marks[0]}\n\n{text}\n\n{marks[1]}{after}", encoding="utf-8")
