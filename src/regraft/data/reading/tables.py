"""Makes a table of texts from a table file, an Arrow table or the tables of parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from regraft.data.mapped import room
from regraft.data.mapped.columns import GrowingFrame, column_of, joined, taken
from regraft.data.mapped.views import without_views
from regraft.data.reading.cells import (
    COLUMN_LIMIT,
    Cells,
    as_written,
    clean_header,
    refuse_crowd,
    split_columns,
)
from regraft.data.reading.delimited import parse_csv, parse_tsv
from regraft.data.reading.encodings import open_text
from regraft.data.reading.jsonlines import parse_jsonl
from regraft.data.reading.origins import JoinedOrigins, LineOrigins
from regraft.data.rows import Image, Origin, Part, PickedOrigins, Problem
from regraft.errors import DataError, nearest, one_of

_PARSERS = {".csv": parse_csv, ".tsv": parse_tsv, ".jsonl": parse_jsonl}
TABLE_SUFFIXES = (*_PARSERS, ".parquet")
OTHER_SUFFIXES = (".json", ".xlsx", ".xls", ".ods", ".gz")
"""Ends of files of data that nothing here reads."""
SPLIT = "split"
BATCH = 2**15
"""Rows of a file of columns that are read at once."""
Picture = str | bytes | Image | None
"""What a cell of pixels may be: a path, an encoded file, decoded pixels, or missing."""


@dataclass(frozen=True)
class Table:
    """N rows as they were read, before anybody decided what the columns mean.

    Args:
        name: Short name of the data.
        columns: N texts of each column; None where the cell is missing.
        origins: N places, made when asked for.
        frame: The columns in order and type, to write beside predictions.
        folder: Paths of images are relative to this.
        known: Column by role, where the reader knows it (folders, lists).
        pixels: Columns that hold pictures rather than texts.
        notes: Sentences on what was changed while reading.
        errors: Reason by row number, for rows that cannot be used.
        outside: Problems that belong to no row, such as a file of another kind.
        sealed: Whether paths of images must stay in `folder`: nobody vouches for an archive.
        written: Names as the file has them, by those of `frame`, where the two differ.
    """

    name: str
    columns: Mapping[str, Sequence[str | None]]
    origins: Sequence[Origin]
    frame: pa.Table
    folder: Path = Path()
    known: Mapping[str, str] = field(default_factory=dict)
    pixels: Mapping[str, Sequence[Picture]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    errors: Mapping[int, str] = field(default_factory=dict)
    outside: tuple[Problem, ...] = ()
    sealed: bool = False
    written: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.origins)

    @property
    def names(self) -> list[str]:
        """The names of all columns that can have a role."""
        return [*self.columns, *(name for name in self.pixels if name not in self.columns)]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every problem in the order of the rows, those that belong to no row last."""
        rows = [Problem(self.origins[row], self.errors[row]) for row in sorted(self.errors)]
        return (*rows, *self.outside)

    def keep(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> "Table":
        """Returns only the rows of these numbers, in their order."""
        kept = np.array(rows, dtype=np.int64)
        places = {row: place for place, row in enumerate(kept.tolist()) if row in self.errors}
        return replace(
            self,
            columns={name: taken(cells, kept) for name, cells in self.columns.items()},
            origins=PickedOrigins(self.origins, kept),
            frame=self.frame.take(pa.array(kept)),
            pixels={name: taken(cells, kept) for name, cells in self.pixels.items()},
            errors={places[row]: why for row, why in self.errors.items() if row in places},
        )


def read_table(path: str | Path, shown: str = "") -> Table:
    """Returns the table in a file; `shown` is how messages call it, its path by default.

    Cells are read as text and never as numbers. A row with too many or too few cells stays
    in place, filled up or cut off, with its reason in `errors`.

    Raises:
        DataError: If the file is missing, empty, of another kind, not readable, or has two
            columns of one name.
    """
    path, shown = Path(path), shown or str(path)
    suffix = path.suffix.lower()
    if not path.is_file():
        raise missing_path(path)
    if suffix not in TABLE_SUFFIXES:
        raise DataError(f"{shown} is no table", expected=one_of(TABLE_SUFFIXES))
    if path.stat().st_size == 0:
        raise DataError(f"{shown} is empty", expected="a table with a row or more")
    if suffix == ".parquet":
        return _read_parquet(path, shown)
    opened, notes = open_text(path, shown)
    return _from_cells(_PARSERS[suffix](opened, shown), path, shown=shown, notes=notes)


def missing_path(word: str | Path) -> DataError:
    """Returns the error for a path that does not exist, with the nearest name beside it."""
    path = Path(word)
    near = nearest(path.name, _beside(path))
    hint = str(path.parent / near) if near else ""
    return DataError(f"there is no file or folder '{word}'", hint=hint)


def _beside(path: Path) -> list[str]:
    try:
        return [each.name for each in path.parent.iterdir()]
    except OSError:  # No such folder, or one that must not be listed.
        return []


def from_frame(frame: pa.Table, name: str, *, shown: str = "", folder: Path = Path()) -> Table:
    """Returns the table of an Arrow table; rows are numbered from 1.

    Raises:
        DataError: If two columns have the same name, or there is no column.
    """
    shown = shown or name
    names, notes = clean_header(came := frame.column_names, shown)
    if not 0 < len(names) <= COLUMN_LIMIT:
        raise DataError(f"{shown} has {len(names)} columns", expected=f"1 to {COLUMN_LIMIT:,}")
    frame = without_views(frame.rename_columns(names))
    texts, pictures, unused = split_columns(frame)
    return Table(
        name=name,
        columns=texts,
        origins=LineOrigins(shown, range(1, frame.num_rows + 1)),
        frame=frame,
        folder=folder,
        pixels=pictures,
        notes=(*notes, *unused),
        written=as_written(came, names),
    )


def _read_parquet(path: Path, shown: str) -> Table:
    try:
        with pq.ParquetFile(path) as file:
            frame = _frame_of(file)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{shown} cannot be read as Parquet: {reason}") from error
    _check_texts(frame, shown)
    return from_frame(frame, path.stem, shown=shown, folder=path.parent)


def _check_texts(frame: pa.Table, shown: str) -> None:
    """Refuses texts that are not UTF-8: Parquet says that they are, and nobody looks."""
    for name, column in zip(frame.column_names, frame.columns, strict=True):
        if "string" not in str(column.type):
            continue
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            raise DataError(
                f"column '{name}' of {shown} holds texts that are not UTF-8",
                hint="writing the file anew from texts decoded by their true encoding",
            ) from error


def _frame_of(file: pq.ParquetFile) -> pa.Table:
    """Returns the table of a Parquet file, read some rows at a time where there are many."""
    groups = [file.metadata.row_group(n) for n in range(file.metadata.num_row_groups)]
    if sum(group.total_byte_size for group in groups) <= room.IN_MEMORY:
        return file.read()
    growing = GrowingFrame(file.schema_arrow)
    for batch in file.iter_batches(BATCH):
        growing.add(batch)
    pa.default_memory_pool().release_unused()
    return growing.whole()


def _from_cells(cells: Cells, path: Path, *, shown: str, notes: tuple[str, ...]) -> Table:
    refuse_crowd(len(cells.columns), shown)
    return Table(
        name=path.stem,
        columns=cells.columns,
        origins=LineOrigins(shown, cells.lines),
        frame=cells.frame,
        folder=path.parent,
        notes=(*notes, *cells.notes),
        errors=cells.errors,
        written=cells.written,
    )


def join_parts(tables: Mapping[Part, Table], name: str) -> Table:
    """Returns the rows of all parts, one after another, with the part in a column.

    A column that a part lacks is missing there (a test part often has no label). The new
    column is called `split`, or `split of files` where the tables have a `split` themselves.

    Raises:
        DataError: If a column holds pictures in one part and texts in another.
    """
    names = {column for table in tables.values() for column in table.names}
    split = SPLIT if SPLIT not in names else f"{SPLIT} of files"
    parts = [with_column(table, split, cell=part) for part, table in tables.items()]
    joined_parts = join_tables(parts, name)
    return replace(joined_parts, known={**joined_parts.known, "split": split})


def with_column(table: Table, column: str, *, cell: str) -> Table:
    """Returns a table with one more column, the same cell in every row."""
    numbers = pa.array(np.zeros(len(table), np.int8))
    cells = pa.DictionaryArray.from_arrays(numbers, [cell])
    frame = table.frame.append_column(column, cells.cast(pa.string()))
    return replace(table, columns={**table.columns, column: column_of(cells)}, frame=frame)


def join_tables(tables: Sequence[Table], name: str) -> Table:
    """Returns the rows of all tables, one after another; a column that one lacks is missing there.

    Args:
        tables: One or more; paths are relative to the folder of the first.
        name: Of the joined table.

    Raises:
        DataError: If a column holds pictures in one table and texts in another.
    """
    names = list(dict.fromkeys(column for table in tables for column in table.names))
    pictured = {column for table in tables for column in table.pixels}
    return Table(
        name=name,
        columns={column: _texts(tables, column) for column in names if column not in pictured},
        origins=JoinedOrigins([table.origins for table in tables]),
        frame=_frame(tables),
        folder=tables[0].folder,
        known=tables[0].known,
        pixels={column: _pictures(tables, column) for column in pictured},
        notes=tuple(dict.fromkeys(note for table in tables for note in table.notes)),
        errors=_errors(tables),
        outside=tuple(problem for table in tables for problem in table.outside),
        written={clean: name for table in tables for clean, name in table.written.items()},
    )


def _texts(tables: Sequence[Table], column: str) -> Sequence[str | None]:
    cells: list[Sequence[str | None]] = []
    for table in tables:
        missing: Sequence[str | None] = column_of(pa.nulls(len(table)))
        cells.append(table.columns.get(column) or missing)
    return joined(cells)


def _pictures(tables: Sequence[Table], column: str) -> list[Picture]:
    every: list[Picture] = []
    for table in tables:
        if column in table.columns:
            raise DataError(f"column '{column}' holds pictures in one part and texts in another")
        every.extend(table.pixels.get(column) or [None] * len(table))
    return every


def _errors(tables: Sequence[Table]) -> dict[int, str]:
    starts = [0, *accumulate(map(len, tables))]
    pairs = zip(starts, tables, strict=False)
    return {start + row: why for start, table in pairs for row, why in table.errors.items()}


def _frame(tables: Sequence[Table]) -> pa.Table:
    frames = [table.frame for table in tables]
    try:
        return pa.concat_tables(frames, promote_options="permissive")
    except pa.ArrowException:  # One column of numbers in one part and of words in another.
        return pa.concat_tables(map(_all_text, frames), promote_options="permissive")


def _all_text(frame: pa.Table) -> pa.Table:
    plain: dict[str, Any] = {}
    for name in frame.column_names:
        values = frame.column(name).to_pylist()
        texts = [None if value is None else str(value) for value in values]
        plain[name] = pa.array(texts, pa.string())
    return pa.table(plain)
