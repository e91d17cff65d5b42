"""Keeps the columns of a table outside of memory and gives their cells when asked for."""

from collections.abc import Callable, Iterator, Sequence
from io import BufferedRandom
from typing import Any, TypeVar, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regraft.data.mapped import room

T = TypeVar("T")
U = TypeVar("U")
S = TypeVar("S")
Indices = npt.NDArray[np.int64]
Convert = Callable[[pa.Array], list[T]]
"""Makes the Python objects of an Arrow array."""


class Column(Sequence[T]):
    """Gives the cells of Arrow arrays as Python objects, made when asked for.

    Args:
        pieces: Arrays one after the other, each with what makes objects of it.
        rows: (N,) which cells, in which order; None = all.
    """

    def __init__(
        self, pieces: Sequence[tuple[pa.Array, Convert[T]]], rows: Indices | None = None
    ) -> None:
        self._pieces, self._rows = pieces, rows
        self._ends = np.cumsum([len(array) for array, _ in pieces], dtype=np.int64)

    def __len__(self) -> int:
        if self._rows is not None:
            return len(self._rows)
        return int(self._ends[-1]) if len(self._ends) else 0

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> "Column[T]": ...
    def __getitem__(self, index: int | slice) -> "T | Column[T]":
        if isinstance(index, slice):
            return self.take(np.arange(*index.indices(len(self)), dtype=np.int64))
        place = range(len(self))[index]
        return self._cells(np.array([place], np.int64))[0]

    def __iter__(self) -> Iterator[T]:
        for start in range(0, len(self), room.BLOCK):
            yield from self._cells(np.arange(start, min(start + room.BLOCK, len(self))))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(self) != len(other):
            return False
        return all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment] # as a list

    def __repr__(self) -> str:
        more = ", …" if len(self) > 5 else ""
        return f"Column({', '.join(map(repr, self[:5]))}{more})"

    def take(self, rows: Indices) -> "Column[T]":
        """Returns only the cells of these rows, (M,), in their order."""
        found = rows if self._rows is None else room.picked(self._rows, rows)
        return Column(self._pieces, found)

    def mapped(self, change: Callable[[T], U]) -> "Column[U]":
        """Returns the cells as a function changes them, each time that they are asked for."""
        pieces = [(array, _changed(convert, change)) for array, convert in self._pieces]
        return Column(pieces, self._rows)

    @property
    def pieces(self) -> Sequence[tuple[pa.Array, Convert[T]]] | None:
        """The arrays, or None where only some of the cells were taken."""
        return self._pieces if self._rows is None else None

    def _cells(self, places: Indices) -> list[T]:
        """Returns the cells at (M,) places, those of one chunk together."""
        wanted = places if self._rows is None else self._rows[places]
        numbers = np.searchsorted(self._ends, wanted, side="right")
        found: list[Any] = [None] * len(wanted)
        for number in np.unique(numbers).tolist():
            array, convert = self._pieces[number]
            here = np.flatnonzero(numbers == number)
            within = wanted[here] - (self._ends[number] - len(array))
            cells = _converted(array, convert, within)
            for place, cell in zip(here.tolist(), cells, strict=True):
                found[place] = cell
        return found


def _converted(array: pa.Array, convert: Convert[T], places: Indices) -> list[T]:
    try:
        some = array.take(pa.array(places))
    except pa.ArrowNotImplementedError:  # Arrow cannot take cells of every type.
        return [convert(array.slice(place, 1))[0] for place in places.tolist()]
    return convert(some)


def column_of(
    column: pa.ChunkedArray | pa.Array, convert: Convert[T] = pa.Array.to_pylist
) -> Column[T]:
    """Returns a column of Arrow; `convert` makes Python objects of an array."""
    arrays = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return Column([(array, convert) for array in arrays])


def _changed(convert: Convert[T], change: Callable[[T], U]) -> Convert[U]:
    return lambda array: [change(cell) for cell in convert(array)]


def mapped(cells: Sequence[S], change: Callable[[S], U]) -> Sequence[U]:
    """Returns the cells as a function changes them: a column lazily, a list at once."""
    if isinstance(cells, Column):
        return cells.mapped(change)
    return [change(cell) for cell in cells]


def taken(cells: Sequence[T], rows: Indices) -> Sequence[T]:
    """Returns the cells of these rows, (M,), in their order."""
    if isinstance(cells, Column):
        return cells.take(rows)
    return [cells[row] for row in rows.tolist()]


def joined(parts: Sequence[Sequence[T]]) -> Sequence[T]:
    """Returns the cells of all parts, one part after the other."""
    pieces = [part.pieces if isinstance(part, Column) else None for part in parts]
    if None in pieces:
        return [cell for part in parts for cell in part]
    return Column([piece for each in pieces for piece in each or ()])


class GrowingFrame:
    """Rows of a table that are added one batch after the other.

    They lie in memory until they are many, and then in a mapped file that has no name. Where
    the disk has no room the rest stays in memory after all.

    Args:
        schema: Of the table.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._batches: list[pa.RecordBatch] = []
        self._stream: BufferedRandom | None = None
        self._writer: Any = None
        self._written = 0
        self._full = False

    def add(self, batch: pa.RecordBatch) -> None:
        """Adds some rows."""
        self._batches.append(batch)
        held = sum(each.nbytes for each in self._batches)
        if held > room.IN_MEMORY and not self._full:
            self._spill()

    def whole(self) -> pa.Table:
        """Returns all rows; nothing may be added afterwards."""
        rest = pa.Table.from_batches(self._batches, self._schema)
        if self._stream is None:
            return rest
        numbers = room.read_back(self._stream, self._written, dtype=np.uint8)
        if not self._written:
            return rest
        kept = pa.ipc.open_stream(pa.py_buffer(numbers)).read_all()
        return pa.concat_tables([kept, rest])

    def _spill(self) -> None:
        """Moves what is held to the file, if the disk lets us."""
        try:
            if self._stream is None:
                self._stream = room.nameless()
                self._writer = pa.ipc.new_stream(self._stream, self._schema)
            for batch in self._batches:
                self._writer.write_batch(batch)
            self._stream.flush()
        except OSError:  # What was written before stays, and is read from there.
            self._full = True
            return
        self._written = self._stream.tell()
        self._batches = []
