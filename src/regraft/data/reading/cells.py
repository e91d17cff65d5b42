"""Defines the cells of one parsed table; makes them from a header and Arrow columns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regraft.data.mapped.columns import Column, column_of
from regraft.errors import DataError, whole

COLUMN_LIMIT = 10_000


@dataclass(frozen=True)
class Cells:
    """What a parser read: N rows as texts by column, and where they stood.

    Args:
        columns: N texts of each column; None where the cell is missing.
        lines: N line numbers, 1-based.
        frame: The same columns in their own types, (N rows).
        errors: Reason by row number, for rows that cannot be used.
        notes: Sentences on what was changed on the way.
        written: Names as the file has them, by the clean ones, where the two differ.
    """

    columns: Mapping[str, Sequence[str | None]]
    lines: Sequence[int] | npt.NDArray[np.int64]
    frame: pa.Table
    errors: dict[int, str]
    notes: tuple[str, ...] = ()
    written: Mapping[str, str] = field(default_factory=dict)


def text_array(cells: Sequence[str | None]) -> pa.Array:
    """Returns texts as an Arrow array, each lone surrogate replaced: Arrow holds none."""
    try:
        return pa.array(cells, pa.string())
    except UnicodeEncodeError:
        return pa.array([None if cell is None else whole(cell) for cell in cells], pa.string())


def whole_cells(cells: list[str | None]) -> list[str | None]:
    """Returns texts without lone surrogates: the same list where there are none."""
    try:
        pa.array(cells, pa.string())
    except UnicodeEncodeError:
        return [None if cell is None else whole(cell) for cell in cells]
    return cells


def refuse_crowd(columns: int, shown: str) -> None:
    """Refuses a table of more columns than `COLUMN_LIMIT`.

    Args:
        columns: How many there are.
        shown: How messages call the table.

    Raises:
        DataError: If it has more.
    """
    if columns > COLUMN_LIMIT:
        raise DataError(f"{shown} has {columns:,} columns", expected=f"{COLUMN_LIMIT:,} at most")


def clean_header(names: Sequence[str], shown: str) -> tuple[list[str], tuple[str, ...]]:
    """Returns the names without blanks around them, and a note if any were stripped.

    Raises:
        DataError: If two columns then have the same name.
    """
    stripped = [whole(name).strip().strip("\ufeff").strip() for name in names]
    changed = [name for name, clean in zip(names, stripped, strict=True) if name != clean]
    clean = [name or f"column{number}" for number, name in enumerate(stripped, 1)]
    twice = [name for name, count in Counter(clean).items() if count > 1]
    if twice:
        raise DataError(
            f"{shown} has more than one column '{twice[0]}'",
            expected="every column to have its own name",
            hint="renaming one of them in the first line",
        )
    return clean, _header_notes(changed, stripped, shown=shown)


def as_written(names: Sequence[str], clean: Sequence[str]) -> dict[str, str]:
    """Returns names of columns as they came, by the clean ones, where the two differ.

    >>> as_written(["", " text", "label"], ["column1", "text", "label"])
    {'column1': '', 'text': ' text'}
    """
    came = (whole(name).strip("\ufeff") for name in names)
    return {tidy: name for tidy, name in zip(clean, came, strict=True) if tidy != name}


def _header_notes(changed: list[str], stripped: list[str], *, shown: str) -> tuple[str, ...]:
    notes = []
    if changed:
        listed = ", ".join(repr(name) for name in changed)
        notes.append(f"blanks around names of columns in {shown} were stripped: {listed}")
    if "" in stripped:
        numbers = [f"column{n}" for n, name in enumerate(stripped, 1) if not name]
        notes.append(f"columns without a name in {shown} are called {', '.join(numbers)}")
    return tuple(notes)


def split_columns(
    frame: pa.Table,
) -> tuple[dict[str, Column[str | None]], dict[str, Sequence[bytes | str | None]], tuple[str, ...]]:
    """Returns columns as texts, columns of encoded pictures, and notes on the rest.

    A column of bytes, or of records with a field `bytes` (as the datasets library writes
    pictures, with a `path` where there are none), holds pictures; lists and other nested
    types are not used.
    """
    texts: dict[str, Column[str | None]] = {}
    pictures: dict[str, Sequence[bytes | str | None]] = {}
    notes: list[str] = []
    for name in frame.column_names:
        column = _plain(frame.column(name))
        if _is_binary(column.type):
            pictures[name] = _or_paths(column.to_pylist(), frame.column(name))
        elif pa.types.is_nested(column.type):
            notes.append(f"column '{name}' holds {column.type}, which is not used")
        else:
            texts[name] = _texts(column)
    return texts, pictures, tuple(notes)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns the field `bytes` of records of pictures, and any other column as it is."""
    kind = column.type
    if pa.types.is_struct(kind) and "bytes" in [field.name for field in kind]:
        encoded = pc.struct_field(column, "bytes")
        # Where every record has a path alone, nobody wrote what kind the bytes would be.
        return encoded.cast(pa.binary()) if pa.types.is_null(encoded.type) else encoded
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    return column


def _or_paths(cells: list[bytes | None], column: pa.ChunkedArray) -> list[bytes | str | None]:
    """Returns encoded pictures, and the field `path` of records that lack them."""
    kind = column.type
    if None not in cells or not pa.types.is_struct(kind):
        return list(cells)
    if not any(field.name == "path" and _is_text(field.type) for field in kind):
        return list(cells)
    paths = pc.struct_field(column, "path").to_pylist()
    return [path if cell is None else cell for cell, path in zip(cells, paths, strict=True)]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )


def _texts(column: pa.ChunkedArray) -> Column[str | None]:
    kind = column.type
    if _is_text(kind):
        return column_of(column)
    if pa.types.is_boolean(kind):  # `True`, as in lists and in what pandas writes to CSV.
        return column_of(column, _written_cells)
    if pa.types.is_floating(kind):
        return column_of(column, _float_cells)
    return column_of(column, _cast_cells if _can_be_cast(column) else _written_cells)


def _can_be_cast(column: pa.ChunkedArray) -> bool:
    """Says whether Arrow writes every value of a column as text."""
    try:
        for chunk in column.chunks:
            chunk.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True


def _cast_cells(array: pa.Array) -> list[str | None]:
    return list(array.cast(pa.string()).to_pylist())


def _float_cells(array: pa.Array) -> list[str | None]:
    """Returns fractions as texts; NaN stands for a missing value in data frames."""
    return [None if cell == "nan" else cell for cell in _cast_cells(array)]


def _written_cells(array: pa.Array) -> list[str | None]:
    return [None if value is None else str(value) for value in array.to_pylist()]
