"""Large arrays are mapped, small ones are not, and a disk without room is no failure."""

import os
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from regraft.data.mapped import room as module
from regraft.data.mapped.room import Growing, picked, room_for, room_made, room_of
from regraft.data.starters.cache import cache_folder


@pytest.fixture(autouse=True)
def _own_roof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "IN_MEMORY", 100)


def test_a_large_array_is_mapped_and_leaves_no_file() -> None:
    found = room_for((50, 3))
    found[:] = np.arange(150).reshape(50, 3)
    assert isinstance(found.base, np.memmap)
    assert found.sum() == 150 * 149 / 2
    assert list(cache_folder().iterdir()) == []


def test_a_small_array_lies_in_memory() -> None:
    assert not isinstance(room_for((5, 3)).base, np.memmap)


def test_without_room_on_the_disk_it_lies_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert not isinstance(room_for((50, 3)).base, np.memmap)


def test_a_system_that_reserves_no_room_maps_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "posix_fallocate")
    found = room_for((50, 3))
    found[:] = 1
    assert isinstance(found.base, np.memmap)
    assert found.sum() == 150


def test_arrays_made_some_rows_at_a_time_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 4)
    assert room_of(iter(range(50)), 50, dtype=np.int64).tolist() == list(range(50))
    squares = room_made((10, 2), np.int32, make=lambda block: np.arange(20).reshape(10, 2)[block])
    assert squares.tolist() == np.arange(20).reshape(10, 2).tolist()
    rows = np.array([7, 0, 7, 3, 9, 1])
    assert picked(squares, rows).tolist() == squares[rows].tolist()


@pytest.mark.parametrize("parts", [(), (3,), (60,), (3, 60, 0, 2), (60, 60, 60)])
def test_numbers_that_are_added_are_there_in_order(parts: tuple[int, ...]) -> None:
    growing, numbers = Growing(np.int32), np.arange(sum(parts), dtype=np.int32)
    for part in np.split(numbers, np.cumsum(parts)):
        growing.add(part)
    found = growing.whole()
    assert found.dtype == np.int32
    assert found.tolist() == numbers.tolist()
    assert list(cache_folder().iterdir()) == []


def test_numbers_that_do_not_fit_on_the_disk_are_kept_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    growing = Growing(np.int64)
    growing.add(np.arange(50))
    stream = growing._stream
    assert stream is not None, "so many go to the disk"
    monkeypatch.setattr(growing, "_stream", _Full(stream))
    growing.add(np.arange(50, 80))
    growing.add(np.arange(80, 100))
    assert growing.whole().tolist() == list(range(100))


class _Full:
    """A file on a disk that takes no more."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, _: object) -> int:
        raise OSError(28, "No space left on device")

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def __enter__(self) -> IO[bytes]:
        return self._stream.__enter__()

    def __exit__(self, *failure: Any) -> None:
        self._stream.close()
