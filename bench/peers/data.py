"""Writes the table that all contestants read: columns text or image, label and split."""

import argparse
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

EVERY = 10
"""Each tenth training row validates."""
TEST = 4000
A_CLASS = 200
FEW = {"train": 200, "val": 20, "test": 40}
"""Rows of each part in a trial that only shows that everything runs; with fewer labelled ones
regraft would train several times, to score each row by a network that has not seen it."""


def imdb(rows: int, shared: Path) -> pa.Table:
    """Returns the first rows of IMDB's training part, and of its test part."""
    columns: dict[str, list[str]] = {"text": [], "label": [], "split": []}
    for part, count in (("train", rows), ("test", TEST)):
        table = pq.read_table(shared / "data" / "text" / f"imdb-{part}.parquet").slice(0, count)
        columns["text"] += table["text"].to_pylist()
        columns["label"] += [str(label) for label in table["label"].to_pylist()]
        columns["split"] += [_part(part, number) for number in range(len(table))]
    return pa.table(columns)


def movie() -> pa.Table:
    """Returns the starter `sentiment-movie`."""
    from regraft.data.starters.datasets import open_dataset

    table = pq.read_table(open_dataset("sentiment-movie") / "data.parquet")
    return table.select(["text", "label", "split"])


def cifar(folder: Path, shared: Path) -> pa.Table:
    """Returns the first training images of each class, by name, and all test images."""
    with zipfile.ZipFile(shared / "data" / "image" / "cifar10-small.zip") as stored:
        stored.extractall(folder)  # our own data, named by digest in shared/data
    columns: dict[str, list[str]] = {"image": [], "label": [], "split": []}
    for part, count in (("train", A_CLASS), ("test", None)):
        for label in sorted((folder / "cifar10-small" / part).iterdir()):
            places = sorted(label.iterdir())[:count]
            columns["image"] += [str(place.resolve()) for place in places]
            columns["label"] += [label.name] * len(places)
            columns["split"] += [_part(part, number) for number in range(len(places))]
    return pa.table(columns)


def _part(part: str, number: int) -> str:
    return "val" if part == "train" and number % EVERY == EVERY - 1 else part


def thinned(table: pa.Table) -> pa.Table:
    """Returns a few rows of each part, taken at equal steps so that all classes are there."""
    kept: list[int] = []
    for part, count in FEW.items():
        places = [i for i, name in enumerate(table["split"].to_pylist()) if name == part]
        kept += places[:: max(1, len(places) // count)][:count]
    return table.take(kept)


def table_of(name: str, *, folder: Path, shared: Path) -> pa.Table:
    """Returns a table by name: movie, cifar or imdb-NUMBERk."""
    if name == "cifar":
        return cifar(folder, shared)
    if name == "movie":
        return movie()
    return imdb(1000 * int(name.removeprefix("imdb-").removesuffix("k")), shared)


def main() -> None:
    """Writes NAME.parquet into a folder, unless it is there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", help="movie, cifar, imdb-1k or imdb-2k")
    parser.add_argument("folder", type=Path)
    parser.add_argument("shared", type=Path, help="the folder that holds data/text and data/image")
    parser.add_argument("--few", action="store_true", help="a few rows of each part")
    typed = parser.parse_args()
    place = typed.folder / f"{typed.name}.parquet"
    if place.exists():
        return
    typed.folder.mkdir(parents=True, exist_ok=True)
    table = table_of(typed.name, folder=typed.folder, shared=typed.shared)
    draft = place.with_suffix(".draft")
    pq.write_table(thinned(table) if typed.few else table, draft)
    draft.replace(place)


if __name__ == "__main__":
    main()
