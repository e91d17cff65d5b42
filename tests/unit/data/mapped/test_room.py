"""Large arrays are mapped, small ones are not, and a disk without room is no failure."""

import os
from pathlib import Path

import numpy as np
import pytest

from regraft.data.mapped import room as module
from regraft.data.mapped.room import Growing, picked, room_for, room_made, room_of
from regraft.data.starters.cache import cache_folder
from tests.full_disk import filling


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


@pytest.mark.parametrize("room", [0, 410, 700])
def test_numbers_that_do_not_fit_on_the_disk_are_kept_in_memory(
    room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = module.nameless
    monkeypatch.setattr(module, "nameless", lambda: filling(usual(), room))
    growing = Growing(np.int64)
    for start, stop in ((0, 50), (50, 80), (80, 100)):
        growing.add(np.arange(start, stop))
    assert growing.whole().tolist() == list(range(100))


def test_a_disk_that_fills_up_at_the_last_numbers_loses_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual = module.nameless
    monkeypatch.setattr(module, "nameless", lambda: filling(usual(), 401))
    growing = Growing(np.int64)
    growing.add(np.arange(50))
    growing.add(np.arange(50, 53))  # held in memory until the end
    assert growing.whole().tolist() == list(range(53))
