"""Tests that cells outside of memory are those of a list, taken, sliced, changed and joined."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from regraft.data.mapped import room
from regraft.data.mapped.columns import Column, GrowingFrame, column_of, joined, mapped, taken
from tests.full_disk import filling

_CELLS = [None if n % 7 == 3 else f"cell {n} é" for n in range(23)]
_CHUNKED = pa.chunked_array([_CELLS[:10], _CELLS[10:11], [], _CELLS[11:]], pa.string())


@pytest.fixture(autouse=True)
def _little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path))
    monkeypatch.setattr(room, "IN_MEMORY", 200)
    monkeypatch.setattr(room, "BLOCK", 4)


@pytest.fixture
def column() -> Column[str | None]:
    return column_of(_CHUNKED)


def test_a_column_has_the_cells_of_a_list(column: Column[str | None]) -> None:
    assert (len(column), list(column)) == (23, _CELLS)
    assert [column[n] for n in range(-23, 23)] == _CELLS * 2
    with pytest.raises(IndexError):
        column[23]


@pytest.mark.parametrize(
    "part", [slice(None), slice(3, 17), slice(None, None, 5), slice(20, 2, -3), slice(9, 9)]
)
def test_slices_and_slices_of_them_are_those_of_a_list(
    column: Column[str | None], part: slice
) -> None:
    assert list(column[part]) == _CELLS[part]
    assert list(column[part][1:3]) == _CELLS[part][1:3]


def test_cells_are_taken_in_any_order_and_more_than_once(column: Column[str | None]) -> None:
    rows = np.array([22, 0, 22, 10, 11])
    assert list(column.take(rows)) == [_CELLS[row] for row in rows]
    assert list(taken(column, rows)) == taken(_CELLS, rows)
    assert list(column.take(rows).take(np.array([3, 0]))) == [_CELLS[10], _CELLS[22]]


def test_cells_of_a_type_that_arrow_cannot_take_are_taken_one_by_one() -> None:
    views: Column[str | None] = column_of(pa.array(["a", None, "c"]).cast(pa.string_view()))
    assert list(views.take(np.array([2, 0, 1]))) == ["c", "a", None]


def test_changed_cells_are_changed_each_time(column: Column[str | None]) -> None:
    changed = mapped(column, lambda cell: (cell or "").upper())
    assert list(changed) == mapped(_CELLS, lambda cell: (cell or "").upper())
    assert changed[1:3][0] == "CELL 1 É"


def test_columns_are_equal_to_any_sequence_of_the_same_cells(column: Column[str | None]) -> None:
    assert column == _CELLS
    assert column != _CELLS[:-1]
    assert column != [*_CELLS[:-1], "other"]
    assert not column_of(pa.array([], pa.string()))


def test_parts_are_joined_lazily_where_all_are_whole_columns(column: Column[str | None]) -> None:
    other: Column[str | None] = column_of(
        pa.array([1, 2]), lambda array: [str(n) for n in array.to_pylist()]
    )
    none: Column[str | None] = column_of(pa.nulls(2))
    parts: list[Sequence[str | None]] = [column, other, none]
    whole = joined(parts)
    assert isinstance(whole, Column)
    assert whole == [*_CELLS, "1", "2", None, None]
    assert joined([column[:2], ["x"]]) == [*_CELLS[:2], "x"]


def _grown(growing: GrowingFrame) -> pa.Table:
    for batch in pa.table({"a": _CHUNKED, "n": range(23)}).to_batches(max_chunksize=3):
        growing.add(batch)
    return growing.whole()


def _schema() -> pa.Schema:
    return pa.schema({"a": pa.string(), "n": pa.int64()})


def test_a_frame_that_grew_on_the_disk_is_whole_and_leaves_no_file(tmp_path: Path) -> None:
    before = pa.total_allocated_bytes()
    frame = _grown(GrowingFrame(_schema()))
    assert frame.to_pydict() == {"a": _CELLS, "n": list(range(23))}
    assert pa.total_allocated_bytes() - before < frame.nbytes
    assert list(tmp_path.iterdir()) == []


def test_a_frame_without_rows_has_its_columns() -> None:
    assert GrowingFrame(_schema()).whole().schema == _schema()


@pytest.mark.parametrize("size", [0, 100, 1000, 1800, 3000])
def test_a_disk_that_fills_up_keeps_the_rest_in_memory(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = room.nameless
    monkeypatch.setattr(room, "nameless", lambda: filling(usual(), size))
    assert _grown(GrowingFrame(_schema())).to_pydict() == {"a": _CELLS, "n": list(range(23))}
