"""A segment says whether its numbers are there, and are those that were written."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regraft.features.segment import INDEX, DamageError, Segment, hold, holder, read_index
from regraft.features.store import Store


@pytest.fixture
def segment(tmp_path: Path) -> Segment:
    store = Store(tmp_path)
    with store.growing() as growing:
        growing.add(
            np.arange(32, dtype=np.uint8).reshape(2, 16), [np.ones((3, 2)), np.ones((1, 2))]
        )
    (index,) = tmp_path.glob(f"*{INDEX}")
    return read_index(index)


def test_what_was_written_is_sound_and_can_be_read(segment: Segment) -> None:
    assert segment.mapped
    assert segment.sound
    assert [segment.row(number).shape for number in range(2)] == [(3, 2), (1, 2)]


def test_other_numbers_are_mapped_but_not_sound(segment: Segment) -> None:
    segment.path.write_bytes(bytes(segment.path.stat().st_size))
    assert segment.mapped
    assert not segment.sound


def test_numbers_that_went_are_neither(segment: Segment) -> None:
    segment.drop()
    assert not segment.mapped
    assert not segment.sound
    assert list(segment.path.parent.iterdir()) == []


def test_a_damaged_index_is_told_from_one_that_went(segment: Segment) -> None:
    index = segment.path.with_suffix(INDEX)
    index.write_bytes(b"no index")
    with pytest.raises(DamageError):
        read_index(index)
    index.unlink()
    with pytest.raises(FileNotFoundError):
        read_index(index)


def test_an_index_of_other_numbers_is_damaged(segment: Segment) -> None:
    segment.path.write_bytes(b"fewer")
    with pytest.raises(DamageError):
        read_index(segment.path.with_suffix(INDEX))


def test_keys_are_sorted_once_however_often_rows_are_looked_for(
    segment: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    sorts: list[int] = []
    real = np.argsort

    def counted(values: np.ndarray, **named: Any) -> np.ndarray:
        sorts.append(len(values))
        return real(values, **named)

    monkeypatch.setattr(np, "argsort", counted)
    for _ in range(3):
        assert segment.places(segment.keys[::-1]).tolist() == [1, 0]
        assert segment.places(segment.keys[:1] + 1).tolist() == [-1]
    assert sorts == [2]


def test_what_is_held_is_held_by_one_only_until_it_is_closed(tmp_path: Path) -> None:
    first, second = (os.open(tmp_path, os.O_RDONLY) for _ in range(2))
    assert hold(first)
    assert not hold(second)
    os.close(first)
    assert hold(second)
    os.close(second)


def test_a_file_system_without_locks_holds_nothing_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", refused)
    with (tmp_path / "a").open("w") as stream:
        assert hold(stream)


def test_the_system_tells_who_holds_a_folder(tmp_path: Path) -> None:
    seen = tmp_path.stat()
    place = f"{os.major(seen.st_dev):02x}:{os.minor(seen.st_dev):02x}:{seen.st_ino}"
    listing = tmp_path / "locks"
    others = (
        f"1: POSIX  ADVISORY  WRITE 11 {place} 0 EOF\n2: FLOCK  ADVISORY  WRITE 12 00:00:1 0 EOF\n"
    )
    listing.write_text(others)
    assert holder(tmp_path, listing) is None
    listing.write_text(f"{others}3: FLOCK  ADVISORY  WRITE 4242 {place} 0 EOF\n")
    assert holder(tmp_path, listing) == 4242
    assert holder(tmp_path, tmp_path / "none") is None
