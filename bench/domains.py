"""Makes the two tables of a pair of domains: a labelled source, a target with test rows."""

import hashlib
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("REGRAFT_SHARED", BENCH.parent.parent / "shared"))
SOURCE_TEST = 200
"""Test rows of a source: they are only told beside the rest."""


@dataclass(frozen=True)
class Row:
    """A labelled text, or the place of a picture.

    Args:
        content: The text, or the path.
        label: Its class.
        part: `train` or `test`.
        key: What its order and its part are drawn from.
    """

    content: str
    label: str
    part: str
    key: str


@dataclass(frozen=True)
class Pair:
    """Where the labels are, and where the model will work.

    Args:
        source: As `rows_of` takes it.
        target: The same.
        kind: `text` or `image`.
    """

    source: str
    target: str
    kind: str

    @property
    def name(self) -> str:
        """What the table calls it."""
        return f"{shown(self.source)} → {shown(self.target)}"


MOVIE = "starter:sentiment-movie"
BOOKS = "amazon:books"
PAIRS = (
    Pair("starter:mnist", "starter:mnist-m", "image"),
    Pair("starter:digits", "starter:digits-m", "image"),
    Pair("zip:mnist-small", "zip:usps-small", "image"),
    Pair("zip:usps-small", "zip:mnist-small", "image"),
    Pair("zip:office10-amazon", "zip:office10-webcam", "image"),
    Pair("zip:office10-webcam", "zip:office10-amazon", "image"),
    Pair("starter:solar-mono", "starter:solar-poly", "image"),
    *(Pair(MOVIE, f"starter:sentiment-{name}", "text") for name in ("product", "news", "tweets")),
    *(Pair(BOOKS, f"amazon:{name}", "text") for name in ("dvd", "electronics", "kitchen")),
)


def shown(place: str) -> str:
    """Returns the short name of a place."""
    kind, _, name = place.partition(":")
    return f"amazon-{name}" if kind == "amazon" else name


def source_table(pair: Pair, folder: Path, *, rows: int, seed: int) -> Path:
    """Returns the source's table: labelled training rows drawn by the seed, few test rows."""
    parts = _parts(rows_of(pair.source, test=10))
    chosen = [*_drawn(parts["train"], rows, seed), *_drawn(parts["test"], SOURCE_TEST, 0)]
    return _written(chosen, pair.kind, folder / "source.parquet")


def target_table(pair: Pair, folder: Path, *, rows: int, seed: int) -> Path:
    """Returns the target's table: training rows drawn by the seed, the same test rows always.

    The labels of both are in it: those of the training rows train the ceiling, and an
    adaptation does not read them.
    """
    parts = _parts(rows_of(pair.target, test=2))
    chosen = [*_drawn(parts["train"], rows, seed), *_drawn(parts["test"], rows, 0)]
    return _written(chosen, pair.kind, folder / "target.parquet")


def rows_of(place: str, *, test: int) -> list[Row]:
    """Returns all rows of a place.

    Args:
        place: `starter:NAME`, `zip:NAME` of `shared/data/image`, or `amazon:DOMAIN`.
        test: Every so many-th row is a test row where the data have no split.
    """
    kind, _, name = place.partition(":")
    if kind == "amazon":
        return _amazon(name, test)
    return _starter(name) if kind == "starter" else _pictures(_unpacked(name))


def _starter(name: str) -> list[Row]:
    from regraft.data.starters.catalogue import dataset
    from regraft.data.starters.datasets import TABLE, open_dataset

    folder = open_dataset(name)
    if dataset(name).modality == "image":
        return _pictures(folder)
    columns = _columns(folder / TABLE)
    cells = zip(columns["text"], columns["label"], columns["split"], strict=True)
    return [
        Row(text, label, "test" if part == "test" else "train", text) for text, label, part in cells
    ]


def _amazon(domain: str, test: int) -> list[Row]:
    columns = _columns(SHARED / "data" / "text" / "amazon-domains.parquet")
    cells = zip(columns["text"], columns["label"], columns["domain"], strict=True)
    of_domain = [(text, label) for text, label, where in cells if where.startswith(domain)]
    return [
        Row(text, label, "test" if _number(text) % test == 0 else "train", text)
        for text, label in of_domain
    ]


def _pictures(folder: Path) -> list[Row]:
    """Returns the pictures of class folders in `train` and `test`, by their places there."""
    return [
        Row(str(place), place.parent.name, part, place.relative_to(folder).as_posix())
        for part in ("train", "test")
        for place in sorted((folder / part).glob("*/*"))
    ]


def _unpacked(name: str) -> Path:
    folder = BENCH / "data" / name
    if not folder.exists():
        with zipfile.ZipFile(SHARED / "data" / "image" / f"{name}.zip") as stored:
            stored.extractall(folder.parent)  # our own data, named by digest in shared/data
    return folder


def _columns(place: Path) -> dict[str, list[str]]:
    import pyarrow.parquet as pq

    columns: dict[str, list[str]] = pq.read_table(place).to_pydict()
    return columns


def _parts(rows: list[Row]) -> dict[str, list[Row]]:
    return {part: [row for row in rows if row.part == part] for part in ("train", "test")}


def _drawn(rows: list[Row], count: int, seed: int) -> list[Row]:
    return sorted(rows, key=lambda row: _number(f"{seed}:{row.key}"))[:count]


def _number(key: str) -> int:
    """Returns a number that only the key decides."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")


def _written(rows: list[Row], kind: str, place: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        kind: [row.content for row in rows],
        "label": [row.label for row in rows],
        "split": [row.part for row in rows],
    }
    place.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), place)
    return place
