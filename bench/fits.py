"""Runs `regraft` as whole processes and reads what they came to; intervals over seeds."""

import json
import math
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REGRAFT = str(Path(sys.executable).with_name("regraft"))
Document = dict[str, Any]


def fitted(words: Sequence[str], *, run: Path, cwd: Path | None = None) -> Document:
    """Returns the result of one `regraft fit`, with the seconds of the whole process.

    Args:
        words: The data and the flags.
        run: The folder to make.
        cwd: Where the process works; paths in `words` are meant from there.
    """
    started = time.perf_counter()
    told = [REGRAFT, "fit", *words, "--json", "--out", str(run.resolve())]
    done = subprocess.run(told, check=True, stdout=subprocess.PIPE, text=True, cwd=cwd)
    wall = time.perf_counter() - started
    return {**json.loads(done.stdout), "wall": round(wall, 2)}


def right_rows(run: Path) -> str:
    """Returns 1 for each test row that was answered rightly, else 0, in order."""
    import pyarrow.parquet as pq

    table = pq.read_table(run / "predictions-test.parquet", columns=["label", "prediction"])
    pairs = zip(table["label"].to_pylist(), table["prediction"].to_pylist(), strict=True)
    return "".join("01"[int(label == answer)] for label, answer in pairs)


def share_right(right: str) -> float:
    """Returns the accuracy of rows marked 0 and 1.

    >>> share_right("1101")
    0.75
    """
    return right.count("1") / len(right)


def over_seeds(values: Sequence[float]) -> tuple[float, float]:
    """Returns the mean and the half width of Student's 95 % interval; NaN for one value.

    >>> over_seeds([0.5])
    (0.5, nan)
    """
    from regraft.scoring.intervals import student

    if len(values) < 2:
        return values[0], math.nan
    found = student(values)
    return found.value, found.high - found.value


def points(values: Sequence[float]) -> str:
    """Returns a mean of differences in points with its interval over the seeds.

    >>> points([0.02, 0.02])
    '+2.0 ± 0.0'
    """
    mean, half = over_seeds(values)
    return f"{100 * mean:+.1f} ± {100 * half:.1f}" if half == half else f"{100 * mean:+.1f}"


def spread(values: Sequence[float]) -> str:
    """Returns a mean with its least and its greatest value.

    >>> spread([0.8, 0.9])
    '0.850 (0.800–0.900)'
    """
    mean = sum(values) / len(values)
    return f"{mean:.3f} ({min(values):.3f}–{max(values):.3f})"


def place_of(environment: Document) -> str:
    """Returns the machine that a trial was made on, in words."""
    names = {key: environment.get(key) for key in ("processor", "threads", "torch", "precision")}
    return "{processor}, {threads} threads, torch {torch}, {precision}".format(**names)
