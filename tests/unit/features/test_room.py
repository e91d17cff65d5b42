"""Large arrays are mapped, small ones are not, and a disk without room is no failure."""

import os
from pathlib import Path

import numpy as np
import pytest

from regraft.features import room as module
from regraft.features import shelf
from regraft.features.room import room_for


@pytest.fixture(autouse=True)
def _own_roof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "IN_MEMORY", 100)


def test_a_large_array_is_mapped_and_leaves_no_file() -> None:
    found = room_for((50, 3))
    found[:] = np.arange(150).reshape(50, 3)
    assert isinstance(found, np.memmap)
    assert found.sum() == 150 * 149 / 2
    assert list(shelf.roof().iterdir()) == []


def test_a_small_array_lies_in_memory() -> None:
    assert not isinstance(room_for((5, 3)), np.memmap)


def test_without_room_on_the_disk_it_lies_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert not isinstance(room_for((50, 3)), np.memmap)
