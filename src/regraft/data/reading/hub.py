"""Makes a table from a data set of the Hugging Face hub, through its own library."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from regraft.data.reading.tables import Table, from_frame, join_parts
from regraft.data.rows import PART_NAMES, Origin, Part, Problem
from regraft.data.starters.reach import answers, offline
from regraft.errors import DataError, RegraftError, UnreachableError

_ENDPOINT = "https://huggingface.co"
_WANTS_CONFIGURATION = re.compile(r"Config name is missing|BuilderConfig .* not found")
_LISTED = re.compile(r"\[(.*?)\]", re.DOTALL)


SAVED = ("dataset_dict.json", "state.json")
"""What the library puts into a folder that it saves: of several parts, and of one."""


def read_hub(name: str) -> Table:
    """Returns the rows of `owner/name[:configuration][@revision]`, all parts.

    Where the network is forbidden or the hub does not answer, only what the library has in
    its cache is read. The name of a folder that the library saved is read from there.

    Raises:
        DataError: If the package `datasets` is missing, the data set has several
            configurations and none was named, it has no train part, or the folder that was
            named is none that the library can read.
        UnreachableError: If the data set cannot be fetched, or is not in the cache.
    """
    try:
        import datasets
    except ImportError as error:
        raise DataError(
            f"hf:{name} needs the package datasets", hint="pip install datasets"
        ) from error
    if any((Path(name) / each).is_file() for each in SAVED):
        return _read_saved(datasets, Path(name))
    words, _, revision = name.partition("@")
    owner, _, configuration = words.partition(":")
    closed = _why_closed(os.environ.get("HF_ENDPOINT", _ENDPOINT))
    try:
        with _cache_alone(datasets) if closed else nullcontext():
            parts = datasets.load_dataset(
                owner, name=configuration or None, revision=revision or None
            )
    except Exception as error:  # Hub, network, cache and script errors share no parent.
        raise _refused(name, error, closed) from error
    return _join(parts, name)


def _read_saved(library: Any, folder: Path) -> Table:
    """Returns what `save_to_disk` wrote; a folder of one part has no split."""
    try:
        found = library.load_from_disk(str(folder))
    except Exception as error:  # Bad JSON, bad Arrow and missing files share no parent.
        lines = str(error).splitlines() or [type(error).__name__]
        raise DataError(
            f"hf:{folder} cannot be read: {lines[0]}", expected="a folder that save_to_disk wrote"
        ) from error
    return _join(found if isinstance(found, dict) else {"train": found}, str(folder))


def _why_closed(endpoint: str) -> str:
    """Returns why the network is not asked, or the empty string."""
    if offline():
        return "REGRAFT_OFFLINE forbids the network"
    return "" if answers(endpoint) else f"{endpoint} does not answer"


@contextmanager
def _cache_alone(library: Any) -> Iterator[None]:
    """Opens a stretch in which the hub's libraries read their caches and nothing else."""
    # They read the variable once, at import, which other libraries have long done by now.
    places = [getattr(library, "config", None), getattr(_hub_library(), "constants", None)]
    before = [(place, place.HF_HUB_OFFLINE) for place in places if place is not None]
    for place, _ in before:
        place.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        for place, value in before:
            place.HF_HUB_OFFLINE = value


def _hub_library() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        return None
    return huggingface_hub


def _refused(name: str, error: Exception, closed: str) -> RegraftError:
    lines = str(error).splitlines() or [type(error).__name__]
    if isinstance(error, ValueError) and _WANTS_CONFIGURATION.search(str(error)):
        listed = _LISTED.search(str(error))
        names = listed[1].replace("'", "") if listed else ""
        owner = name.partition("@")[0].partition(":")[0]
        return DataError(
            f"hf:{name} has configurations, and the name says none that exists",
            expected=f"one of {names}" if names else "a configuration",
            hint=f"hf:{owner}:{names.split(', ')[0] or 'CONFIGURATION'}",
        )
    because = f" ({closed})" if closed else ""
    return UnreachableError(f"hf:{name} cannot be loaded{because}: {lines[0]}")


def _join(parts: Any, name: str) -> Table:
    tables: dict[Part, Table] = {}
    left: list[Problem] = []
    for key in parts:
        part, shown = PART_NAMES.get(str(key).lower()), f"hf:{name}/{key}"
        if part is not None and part not in tables:
            tables[part] = _as_table(parts[key], shown)
        else:
            kind = f"another part {part}" if part else "a part that is none of train, val and test"
            left.append(Problem(Origin(shown), f"{kind}, and was not read"))
    if "train" not in tables:
        raise DataError(f"hf:{name} has no train part", expected="a part named train")
    short = name.rstrip("/").partition("@")[0].partition(":")[0].rpartition("/")[2]
    joined = join_parts(tables, short) if len(tables) > 1 else tables["train"]
    return replace(joined, name=short, outside=tuple(left))


def _as_table(rows: Any, shown: str) -> Table:
    """Returns one part, numbers of classes replaced by their names."""
    frame: pa.Table = rows.with_format("arrow")[:]
    table = from_frame(frame, shown)
    columns = dict(table.columns)
    for column, feature in rows.features.items():
        names = getattr(feature, "names", None)
        if names and column in columns:
            columns[column] = [_class_name(cell, names) for cell in columns[column]]
    return replace(table, columns=columns)


def _class_name(cell: str | None, names: list[str]) -> str | None:
    if cell is None or not 0 <= int(cell) < len(names):
        return None  # -1 stands for a missing label there.
    return names[int(cell)]
