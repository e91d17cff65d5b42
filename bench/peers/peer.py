"""Reads the table that all contestants read, and prints what a peer found."""

import argparse
import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import platformdirs
import pyarrow.parquet as pq

PARTS = ("train", "val", "test")
Rows = list[tuple[Any, int]]


def starter(name: str) -> Path:
    """Returns where regraft keeps a starter, whose package the peers do not see."""
    chosen = os.environ.get("REGRAFT_CACHE") or platformdirs.user_cache_dir("regraft")
    return Path(chosen) / "models" / name


def parser_of(description: str | None, *, model: str, batch_size: int) -> argparse.ArgumentParser:
    """Returns a parser with the flags that every peer has.

    Args:
        description: Its first line is shown.
        model: The starter that it starts from, unless a folder is named.
        batch_size: Its usual one.
    """
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="Parquet with label and split")
    parser.add_argument("--model", type=Path, default=starter(model), help="folder of weights")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch-size", type=int, default=batch_size)
    return parser


def read_parts(data: Path, column: str) -> tuple[dict[str, Rows], list[str]]:
    """Returns the rows of each part with the number of their class, and the classes' names."""
    columns = pq.read_table(data, columns=[column, "label", "split"]).to_pydict()
    classes = sorted(set(columns["label"]))
    numbers = {name: number for number, name in enumerate(classes)}
    parts: dict[str, Rows] = {part: [] for part in PARTS}
    for value, label, part in zip(columns[column], columns["label"], columns["split"], strict=True):
        parts[part].append((value, numbers[label]))
    return parts, classes


def unzipped(rows: Rows) -> tuple[list[Any], list[int]]:
    """Returns the values and the classes of rows."""
    return [value for value, _ in rows], [label for _, label in rows]


def report(accuracy: float, *tools: str, **beside: Any) -> None:
    """Prints the one JSON line that a peer ends with."""
    versions: Mapping[str, str] = {tool: version(tool) for tool in (*tools, "torch")}
    print(json.dumps({"accuracy": accuracy, "versions": versions, **beside}))
