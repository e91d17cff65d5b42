"""Makes a table from a data set of the Hugging Face hub, through its own library."""

import os
from dataclasses import replace
from typing import Any

import pyarrow as pa

from regraft.data.reading.folders import PART_NAMES
from regraft.data.reading.tables import Table, from_frame, join_parts
from regraft.data.rows import Part
from regraft.errors import DataError, UnreachableError


def read_hub(name: str) -> Table:
    """Returns the rows of `owner/name` or `owner/name@revision`, all parts.

    With `REGRAFT_OFFLINE=1` only what the library has in its cache is read.

    Raises:
        DataError: If the package `datasets` is missing, or the data set has no train part.
        UnreachableError: If the data set cannot be fetched, or is not in the cache.
    """
    if os.environ.get("REGRAFT_OFFLINE") == "1":
        # The library reads these once, when it is imported.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
    try:
        import datasets
    except ImportError as error:
        raise DataError(
            f"hf:{name} needs the package datasets", hint="pip install datasets"
        ) from error
    owner, _, revision = name.partition("@")
    try:
        parts = datasets.load_dataset(owner, revision=revision or None)
    except Exception as error:  # Hub, network, cache and script errors share no parent.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UnreachableError(f"hf:{name} cannot be loaded: {reason}") from error
    return _join(parts, name)


def _join(parts: Any, name: str) -> Table:
    tables: dict[Part, Table] = {}
    for key in parts:
        part = PART_NAMES.get(str(key).lower())
        if part is not None and part not in tables:
            tables[part] = _as_table(parts[key], f"hf:{name}/{key}")
    if "train" not in tables:
        raise DataError(f"hf:{name} has no train part", expected="a part named train")
    short = name.partition("@")[0].rpartition("/")[2]
    if len(tables) == 1:
        return replace(tables["train"], name=short)
    return join_parts(tables, short)


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
