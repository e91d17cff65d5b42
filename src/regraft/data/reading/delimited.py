"""Makes cells, as text and with their line numbers, from the text of a CSV or TSV file."""

import csv
import io
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pyarrow as pa

from regraft.data.reading.cells import Cells, clean_header
from regraft.errors import DataError, counted

FIELD_LIMIT = 10 << 20
"""Characters in one cell."""
_END = "\0end"
"""Put after the last line: a quote that is never closed swallows it. NUL is in no text."""
_Record = tuple[int, list[str]]
_Quoting = Literal[0, 3]
"""csv.QUOTE_MINIMAL or csv.QUOTE_NONE."""


def parse_csv(text: str, shown: str) -> Cells:
    """Returns the cells of a CSV text; `;` or tab separate where the header has no comma.

    Raises:
        DataError: If there is no header, a quote is never closed or a cell is too long.
    """
    delimiter = _delimiter(text)
    cells = _parse(text, shown, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL)
    if delimiter == ",":
        return cells
    note = f"cells of {shown} are separated by {delimiter!r}, as its first line shows"
    return Cells(cells.columns, cells.lines, cells.frame, cells.errors, (*cells.notes, note))


def parse_tsv(text: str, shown: str) -> Cells:
    """Returns the cells of a TSV text; quotes are letters where reading them as quotes fails.

    Raises:
        DataError: If there is no header or a cell is too long.
    """
    plain = _parse(text, shown, delimiter="\t", quoting=csv.QUOTE_NONE)
    if '"' not in text:
        return plain
    try:
        quoted = _parse(text, shown, delimiter="\t", quoting=csv.QUOTE_MINIMAL)
    except DataError:
        return plain
    # Quotes that swallow whole rows, each of the right width, were letters.
    swallowed = not plain.errors and len(plain.lines) > len(quoted.lines)
    return plain if swallowed or len(plain.errors) < len(quoted.errors) else quoted


def _delimiter(text: str) -> str:
    header = text[: text.find("\n") if "\n" in text else len(text)]
    if "," in header:
        return ","
    return next((mark for mark in ";\t" if mark in header), ",")


def _parse(text: str, shown: str, *, delimiter: str, quoting: _Quoting) -> Cells:
    with _raised_field_limit():
        records = _records(text, shown, delimiter=delimiter, quoting=quoting)
        _, names = next(records, (0, []))
        if not "".join(names).strip():
            raise DataError(f"{shown} is empty", expected="a first line with names of columns")
        header, notes = clean_header(names, shown)
        return _collect(header, records, notes=notes)


def _collect(header: list[str], records: Iterator[_Record], *, notes: tuple[str, ...]) -> Cells:
    columns: list[list[str | None]] = [[] for _ in header]
    lines, errors, width = array("q"), dict[int, str](), len(header)
    for line, cells in records:
        if len(cells) != width:
            errors[len(lines)] = (
                f"the row has {counted(len(cells), 'cell')} where the header has {width}"
            )
            cells = [*cells, *[""] * width][:width]
        lines.append(line)
        for column, cell in zip(columns, cells, strict=True):
            column.append(cell)
    named = dict(zip(header, columns, strict=True))
    frame = pa.table({name: pa.array(column, pa.string()) for name, column in named.items()})
    return Cells(named, lines, frame, errors, notes)


def _records(text: str, shown: str, *, delimiter: str, quoting: _Quoting) -> Iterator[_Record]:
    """Yields each record that is not blank with the line where it starts."""
    source = io.StringIO(f"{text}\n{_END}", newline="")
    reader = csv.reader(source, delimiter=delimiter, quoting=quoting)
    start = opened = 1
    try:
        for cells in reader:
            if cells == [_END]:
                return
            if cells:
                yield start, cells
            opened, start = start, reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{shown}:{start} cannot be read: {error}") from error
    raise DataError(
        f"{shown}:{opened} opens a quote that is never closed", hint="doubling the quote mark"
    )


@contextmanager
def _raised_field_limit() -> Iterator[None]:
    """Raises the csv module's limit of a cell, which is global, and puts it back."""
    before = csv.field_size_limit(FIELD_LIMIT)
    try:
        yield
    finally:
        csv.field_size_limit(before)
