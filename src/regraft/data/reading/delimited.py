"""Makes cells, as text and with their line numbers, from the text of a CSV or TSV file."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from regraft.data.mapped.columns import Column, GrowingFrame, column_of
from regraft.data.mapped.room import Growing
from regraft.data.reading.cells import Cells, as_written, clean_header
from regraft.data.reading.encodings import Opened
from regraft.errors import DataError, counted

FIELD_LIMIT = 10 << 20
"""Characters in one cell."""
BATCH = 4096
"""Rows that are made into columns together."""
_END = "\0end"
"""Put after the last line: a quote that is never closed swallows it. NUL is in no text."""
_TOLD = re.compile(r'"?sep=([^\w"])"?', re.IGNORECASE)
"""What Excel writes above the header to tell itself what separates the cells."""
_Record = tuple[int, list[str]]
_Quoting = Literal[0, 3]
"""csv.QUOTE_MINIMAL or csv.QUOTE_NONE."""


def parse_csv(opened: Opened, shown: str) -> Cells:
    """Returns the cells of a CSV text; `;` or tab separate where its header has no comma.

    A line such as `sep=;` above the header, which is for Excel, says so too and is no row.

    Raises:
        DataError: If there is no header, a quote is never closed or a cell is too long.
    """
    delimiter, skipped = _delimiter(opened)
    cells = _parse(opened, shown, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL, skipped=skipped)
    if delimiter == ",":
        return cells
    note = f"cells of {shown} are separated by {delimiter!r}, as its first line shows"
    return replace(cells, notes=(*cells.notes, note))


def parse_tsv(opened: Opened, shown: str) -> Cells:
    """Returns the cells of a TSV text.

    Quotes are letters where reading them as quotes fails, costs more rows than it mends, or
    leaves letters behind a closing quote and mends nothing.

    Raises:
        DataError: If there is no header or a cell is too long.
    """
    plain = _parse(opened, shown, delimiter="\t", quoting=csv.QUOTE_NONE)
    if not _has_quotes(opened):
        return plain
    for strict in (True, False):
        try:
            quoted = _parse(opened, shown, delimiter="\t", quoting=csv.QUOTE_MINIMAL, strict=strict)
        except DataError:
            continue
        return plain if _are_letters(plain, quoted, strict=strict) else quoted
    return plain


def _are_letters(plain: Cells, quoted: Cells, *, strict: bool) -> bool:
    """Says whether quotes are letters: as quotes they cost more rows than they mend.

    Args:
        plain: Read with quotes as letters.
        quoted: Read with quotes as quotes.
        strict: Whether no cell has letters behind a closing quote, as `"Good" film` has.
    """
    mended = len(plain.errors) - len(quoted.errors)
    # Rows of the right width that are inside of other rows now.
    swallowed = len(plain.lines) - len(quoted.lines) - mended
    sure = strict or any(name.startswith('"') for name in plain.columns)
    return swallowed > mended or mended < (0 if sure else 1)


def _has_quotes(opened: Opened) -> bool:
    with opened("") as stream:
        return any('"' in line for line in stream)


def _delimiter(opened: Opened) -> tuple[str, int]:
    """Returns what separates the cells, and how many lines stand above the header."""
    with opened("") as stream:  # Old Macs end lines with `\r` alone.
        blank, header = next(
            (each for each in enumerate(stream) if each[1].strip()),
            (0, ""),
        )
    told = _TOLD.fullmatch(header.strip("\r\n"))
    if told:
        return told[1], blank + 1
    if "," in header:
        return ",", blank
    return next((mark for mark in ";\t" if mark in header), ","), blank


def _parse(
    opened: Opened,
    shown: str,
    *,
    delimiter: str,
    quoting: _Quoting,
    skipped: int = 0,
    strict: bool = False,
) -> Cells:
    with _raised_field_limit(), opened("") as stream:
        rest = chain(islice(stream, skipped, None), ("\n", _END))
        reader = csv.reader(rest, delimiter=delimiter, quoting=quoting, strict=strict)
        records = _records(reader, shown, above=skipped)
        _, names = next(records, (0, []))
        if not "".join(names).strip():
            raise DataError(f"{shown} is empty", expected="a first line with names of columns")
        header, notes = clean_header(names, shown)
        cells = _collect(header, records, notes=notes)
        return replace(cells, written=as_written(names, header))


def _collect(header: list[str], records: Iterator[_Record], *, notes: tuple[str, ...]) -> Cells:
    schema = pa.schema([(name, pa.string()) for name in header])
    frame, lines, errors, read = GrowingFrame(schema), Growing(np.int64), dict[int, str](), 0
    while some := list(islice(records, BATCH)):
        rows = [cells for _, cells in some]
        for place, cells in enumerate(rows):
            if len(cells) != len(header):
                errors[read + place] = _ragged(cells, len(header))
                rows[place] = [*cells, *[""] * len(header)][: len(header)]
        arrays = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
        frame.add(pa.record_batch(arrays, schema=schema))
        lines.add(np.array([line for line, _ in some]))
        read += len(some)
    whole = frame.whole()
    columns: dict[str, Column[str | None]] = {
        name: column_of(whole.column(name)) for name in header
    }
    return Cells(columns, lines.whole(), whole, errors, notes)


def _ragged(cells: list[str], width: int) -> str:
    return f"the row has {counted(len(cells), 'cell')} where the header has {width}"


def _records(reader: Any, shown: str, *, above: int) -> Iterator[_Record]:
    """Yields each record that is not blank with the line of the file where it starts.

    Args:
        reader: Of csv; its last line is `_END`.
        shown: How messages call the file.
        above: Lines of the file that the reader is not given.
    """
    start = opened = above + 1
    try:
        for cells in reader:
            if cells == [_END]:
                return
            if cells:
                yield start, cells
            opened, start = start, above + reader.line_num + 1
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
