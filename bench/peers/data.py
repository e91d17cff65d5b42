"""Writes the table that all contestants read: columns text or image, label and split."""

import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

EVERY = 10
"""Each tenth training row validates."""
TEST = 4000
A_CLASS = 200


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


def main() -> None:
    """Writes NAME.parquet into a folder, unless it is there."""
    name, folder, shared = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    place = folder / f"{name}.parquet"
    if place.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    if name == "cifar":
        table = cifar(folder, shared)
    elif name == "movie":
        table = movie()
    else:
        table = imdb(1000 * int(name.removeprefix("imdb-").removesuffix("k")), shared)
    pq.write_table(table, place)


if __name__ == "__main__":
    main()
