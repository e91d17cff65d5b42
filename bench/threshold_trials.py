"""Makes the trials of `bench/threshold.py`: tasks, their tables, the settings of a row, one fit."""

import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marks import Trial

BENCH = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("REGRAFT_SHARED", BENCH.parent.parent / "shared"))
OTHER_RULES = ("rested", "staggered", "outputs", "gradient")
ROWS = ("control", "auto", "shorter", "clock", "half", "longer", *OTHER_RULES)
NEEDS = {
    "half": {"control"},
    "clock": {"auto"},
    "shorter": {"control", "auto"},
    "longer": {"control", "auto"},
}
"""Rows of the same task and seed whose outcome another row is set by."""
BATCH = 32
"""Rows of a step."""
WARMUP = 0.1
"""Of the default schedule, which rises in this share of the steps and falls to 0."""
BACKWARD = 2 / 3
"""Share of a step's work that is its backward pass: two products for each one forward."""
TEXT_TEST, IMAGE_TEST = 4000, 100
Settings = dict[str, Any]


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


def write_data(task: Task, folder: Path) -> Path:
    """Returns the table of a task: its training rows and its test rows, in a folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = text_columns(task) if task.kind == "text" else image_columns(task, folder)
    place = folder / f"{TASKS.index(task)}.parquet"
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


def settings_of(row: str, task: Task, before: dict[str, Trial], *, equal: str) -> Settings:
    """Returns the settings of one row; some need what others came to.

    Args:
        row: Its name.
        task: Its epochs are the control's.
        before: Rows of the same task and seed.
        equal: What `shorter` and `longer` have as much of: `seconds`, or `work` (operations of
            forward and backward passes), which does not depend on what else the machine does.
    """
    # Of pictures, some blocks would be frozen from the start as usual: here that is a row.
    own: Settings = {"epochs": float(task.epochs), "freeze": 0}
    if row == "half":
        return {**own, "freeze": before["control"]["blocks"] // 2}
    if row == "clock":
        at = round(spent_at(1 - before["auto"]["saved"]), 4)
        return {**own, "freeze_threshold_rule": "clock", "freeze_threshold": at}
    if row in OTHER_RULES:
        return {**own, "freeze_threshold_rule": row, "freeze_threshold": "auto"}
    if row == "shorter":
        return {**own, "epochs": round(task.epochs * spent(before, equal), 3)}
    if row == "longer":
        longer = round(task.epochs / spent(before, equal), 3)
        return {**own, "epochs": longer, "freeze_threshold": "auto"}
    return {**own, "freeze_threshold": "auto"} if row == "auto" else own


def spent(before: dict[str, Trial], equal: str) -> float:
    """Returns the share of the control's seconds, or of its work, that `auto` took.

    >>> spent({"auto": {"saved": 0.3}}, "work")
    0.8
    """
    if equal == "work":
        return float(1 - BACKWARD * before["auto"]["saved"])
    return float(before["auto"]["train_seconds"] / before["control"]["train_seconds"])


def spent_at(steps: float) -> float:
    """Returns the share of the integrated rate that is spent at a share of the steps.

    >>> spent_at(1.0), round(spent_at(0.1), 3)
    (1.0, 0.1)
    """
    if steps <= WARMUP:
        return float(steps**2 / WARMUP)
    return 1 - (1 - steps) ** 2 / (1 - WARMUP)


def measure(settings: Settings, data: Path) -> Trial:
    """Returns what one fit came to, with a 1 or 0 for every test row."""
    import regraft

    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        # Of 2,000 texts the steps would be smaller by default than those of the trials so far.
        result = regraft.fit(data, out=run, baselines=False, batch_size=BATCH, **settings)
        right = right_rows(run)
    freezing, around = result["freezing"], result["environment"]
    return {
        "settings": settings,
        "accuracy": sum(right) / len(right),
        "right": f"{int(''.join(map(str, right)), 2):x}",
        "rows": len(right),
        "seconds": result["seconds"]["total"],
        "train_seconds": result["seconds"]["train"],
        "saved": freezing["saved_backward_share"],
        "blocks": len(freezing["blocks"]),
        "events": [e for e in freezing["ledger"] if e["kind"] == "threshold"],
        "verified": freezing["proof"]["holds"],
        "place": f"{around['processor']}, {around['threads']} threads",
        "precision": around["precision"],
    }


def right_rows(run: Path) -> list[int]:
    """Returns 1 for each test row that was answered rightly, else 0, in order."""
    import pyarrow.parquet as pq

    table = pq.read_table(run / "predictions-test.parquet")
    pairs = zip(table["prediction"].to_pylist(), table["label"].to_pylist(), strict=True)
    return [int(answer == label) for answer, label in pairs]
