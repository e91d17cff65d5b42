"""Writes small tables of real rows, so many a class, that a bench measures on."""

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BENCH = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("REGRAFT_SHARED", BENCH.parent.parent / "shared"))
PLACE = BENCH / "data"
"""Where tables and unpacked images are; a comparison is known by the path of its table."""
Columns = dict[str, list[str]]


@dataclass(frozen=True)
class Rows:
    """So many rows of a class in each part.

    Args:
        train: That weights are moved by.
        val: That choose.
        test: That score.
        words: Of a text, the first so many; 0 = all.
    """

    train: int
    val: int = 0
    test: int = 200
    words: int = 0


def table_of(name: str, rows: Rows, *, seed: int = 0) -> Path:
    """Returns a table with columns text or image, label and split, made once.

    Without a val part `regraft` cuts one from train, or validates in folds where under 200 rows
    have labels beside the test part.

    Args:
        name: `starter:NAME` of texts, or a zip of class folders under `shared/data/image`.
        rows: Of each class.
        seed: Decides which rows train and choose; the test rows are always the same.
    """
    place = PLACE / f"{name.removeprefix('starter:')}-{_words(rows)}-{seed}.parquet"
    if not place.exists():
        PLACE.mkdir(parents=True, exist_ok=True)
        whole = _texts(name) if name.startswith("starter:") else _images(name)
        part = place.with_suffix(".part")
        pq.write_table(pa.table(_picked(whole, rows, seed)), part)
        part.replace(place)
    return place


def image_folder(name: str) -> Path:
    """Returns the folder of class folders in a zip under `shared/data/image`, unpacked once."""
    place = PLACE / name
    if not place.exists():
        with zipfile.ZipFile(SHARED / "data" / "image" / f"{name}.zip") as packed:
            packed.extractall(PLACE)  # our own data, named by digest in shared/data
    return place


def _words(rows: Rows) -> str:
    cut = f"-{rows.words}w" if rows.words else ""
    return f"{rows.train}-{rows.val}-{rows.test}{cut}"


def _texts(name: str) -> Columns:
    from regraft.data.starters.datasets import open_dataset

    table = pq.read_table(open_dataset(name.removeprefix("starter:")) / "data.parquet")
    columns: Columns = {key: table[key].to_pylist() for key in ("text", "label", "split")}
    # Trained on or chosen by: that is decided here.
    columns["split"] = ["test" if part == "test" else "train" for part in columns["split"]]
    return columns


def _images(name: str) -> Columns:
    columns: Columns = {"image": [], "label": [], "split": []}
    for part in ("train", "test"):
        for label in sorted((image_folder(name) / part).iterdir()):
            places = sorted(label.iterdir())
            columns["image"] += [str(place) for place in places]
            columns["label"] += [label.name] * len(places)
            columns["split"] += [part] * len(places)
    return columns


def _picked(whole: Columns, rows: Rows, seed: int) -> Columns:
    labels, parts = np.array(whole["label"]), np.array(whole["split"])
    taken: list[tuple[int, str]] = []
    for label in np.unique(labels):
        pool = np.flatnonzero((labels == label) & (parts == "train"))
        pool = np.random.default_rng(seed).permutation(pool)
        wanted = {"train": pool[: rows.train], "val": pool[rows.train : rows.train + rows.val]}
        test = np.flatnonzero((labels == label) & (parts == "test"))
        # Of a list that is sorted or grouped, each stretch gives some.
        wanted["test"] = np.random.default_rng(0).permutation(test)[: rows.test]
        taken += [(row, part) for part, found in wanted.items() for row in found.tolist()]
    found = {key: [cells[row] for row, _ in taken] for key, cells in whole.items()}
    found["split"] = [part for _, part in taken]
    if rows.words and "text" in found:
        found["text"] = [" ".join(text.split()[: rows.words]) for text in found["text"]]
    return found
