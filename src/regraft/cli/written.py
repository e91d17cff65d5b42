"""Makes the bytes of a file of predictions from a table: CSV, JSON lines or Parquet."""

import io
import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_FORMULA = r"^(\s*[=+\-@]|[\t\r])"
"""How a cell begins that a spreadsheet would run, blanks in front of it passed over."""


def content(table: "pa.Table", suffix: str, *, guard_formulas: bool) -> bytes:
    """Returns the bytes of a file.

    Args:
        table: N rows, none of them of bytes unless for Parquet.
        suffix: `.parquet`, `.jsonl`, or any other for CSV.
        guard_formulas: Whether texts that a spreadsheet would run get a `'` in front; not in
            Parquet, which none of them reads as text.
    """
    import pyarrow.csv
    import pyarrow.parquet

    buffer = io.BytesIO()
    if suffix not in (".parquet", ".jsonl"):
        table = _flat(table)
    if guard_formulas and suffix != ".parquet":
        table = _guarded(table)
    if suffix == ".parquet":
        pyarrow.parquet.write_table(table, buffer)
    elif suffix == ".jsonl":
        buffer.writelines(_json_line(row) for row in rows_of(table))
    else:
        pyarrow.csv.write_csv(table, buffer)
    return buffer.getvalue()


def plain(value: object) -> Any:
    """Returns what JSON can hold in the place of a value: words for what it cannot."""
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | None) else str(value)


def binary_columns(table: "pa.Table") -> list[str]:
    """Returns the names of the columns of bytes, which text cannot hold."""
    return [field.name for field in table.schema if _holds_bytes(field.type)]


def _holds_bytes(kind: "pa.DataType") -> bool:
    inner = [kind.field(i).type for i in range(kind.num_fields)]
    return "binary" in str(kind).partition("<")[0] or any(map(_holds_bytes, inner))


def _json_line(row: Mapping[str, object]) -> bytes:
    return (json.dumps(plain(row), ensure_ascii=False) + "\n").encode("utf-8", "replace")


def rows_of(table: "pa.Table") -> list[dict[str, object]]:
    """Returns the rows by column, with words for what Python cannot hold."""
    columns = [_values(column) for column in table.columns]
    names = table.column_names
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _values(column: "pa.ChunkedArray") -> list[object]:
    """Returns a column's cells; words of those that Python cannot hold, such as year 20000."""
    import pyarrow as pa

    values: list[object]
    try:
        values = column.to_pylist()
    except (ValueError, OverflowError):
        values = column.cast(pa.string()).to_pylist()
    return values


def _flat(table: "pa.Table") -> "pa.Table":
    """Returns a table of cells that CSV can hold: lists and records become JSON."""
    import pyarrow as pa

    for number, field in enumerate(table.schema):
        if not _is_simple(field.type):
            cells = [_cell_text(value) for value in _values(table.column(number))]
            table = table.set_column(number, field.name, pa.array(cells, pa.large_string()))
    return table


def _is_simple(kind: "pa.DataType") -> bool:
    """Says whether Arrow's own writer of CSV knows a kind of column."""
    from pyarrow import types

    known = (
        types.is_null,
        types.is_boolean,
        types.is_integer,
        types.is_floating,
        types.is_decimal,
        types.is_date,
        types.is_time,
        types.is_timestamp,
        types.is_string,
        types.is_large_string,
    )
    # An extension (UUID, JSON) is asked for its name alone: it may store any of these.
    return not isinstance(kind, _extension()) and any(is_kind(kind) for is_kind in known)


def _extension() -> type:
    import pyarrow as pa

    return pa.BaseExtensionType  # type: ignore[no-any-return]


def _cell_text(value: object) -> str | None:
    known = plain(value)
    return (
        known if known is None or isinstance(known, str) else json.dumps(known, ensure_ascii=False)
    )


def _guarded(table: "pa.Table") -> "pa.Table":
    import pyarrow as pa
    import pyarrow.compute

    for number, field in enumerate(table.schema):
        if _is_text(field.type):
            cells = pyarrow.compute.replace_substring_regex(
                table.column(number).cast(pa.large_string()),
                pattern=_FORMULA,
                replacement=r"'\1",
            )
            table = table.set_column(number, field.name, cells)
    names = pyarrow.compute.replace_substring_regex(
        pa.array(table.column_names, pa.string()), pattern=_FORMULA, replacement=r"'\1"
    )
    return table.rename_columns(names.to_pylist())


def _is_text(kind: "pa.DataType") -> bool:
    from pyarrow import types

    kind = kind.value_type if types.is_dictionary(kind) else kind
    known = (types.is_string, types.is_large_string, types.is_string_view)
    return any(is_kind(kind) for is_kind in known)
