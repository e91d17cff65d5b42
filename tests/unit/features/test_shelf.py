"""The stores together are listed, kept below a limit, cleared and swept."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from regraft.errors import SettingsError, StorageError
from regraft.features import shelf
from regraft.features.segment import DATA, INDEX, hold
from regraft.features.shelf import (
    LIMIT,
    clear,
    limit,
    make_room,
    open_store,
    prune,
    roof,
    shelved,
    trim,
)
from regraft.features.store import DRAFT
from tests.closed_folder import close_folder


@pytest.fixture(autouse=True)
def _own_roof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path))


def fill(key: str, rows: int, *, used: float) -> None:
    """Makes a store of so many rows of 4 kB each, used at a time."""
    with open_store(key).growing() as segment:
        keys = np.arange(rows * 16).reshape(rows, 16).astype(np.uint8)
        segment.add(keys, [np.zeros((1, 1000), np.float32)] * rows)
    open_store(key)
    os.utime(roof() / key / shelf.USED, (used, used))


def test_nothing_is_there_at_first() -> None:
    assert shelved() == []
    assert clear() == 0
    assert prune() == 0


def test_stores_are_listed_the_last_used_first() -> None:
    fill("old", 2, used=1000.0)
    fill("new", 5, used=2000.0)
    assert [(each.key, each.rows, each.used) for each in shelved()] == [
        ("new", 5, 2000.0),
        ("old", 2, 1000.0),
    ]
    assert shelved()[1].bytes > 8000


def test_the_store_used_longest_ago_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    for number, key in enumerate("abc"):
        fill(key, 5, used=1000.0 + number)
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", "70000")
    assert make_room(20_000, keep={"a"})
    assert [each.key for each in shelved()] == ["c", "a"]
    assert not make_room(60_000, keep={"a"})
    assert [each.key for each in shelved()] == ["c", "a"]  # none goes in vain
    assert make_room(40_000, keep={"a"})
    assert [each.key for each in shelved()] == ["a"]


def test_a_store_that_another_process_is_filling_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    fill("read", 2, used=2000.0)
    with open_store("filled").growing() as segment:
        segment.add(np.zeros((1, 16), np.uint8), [np.zeros((1, 1000), np.float32)])
        os.utime(roof() / "filled", (1000.0, 1000.0))
        monkeypatch.setenv("REGRAFT_CACHE_BYTES", str(sum(each.bytes for each in shelved())))
        assert make_room(100, keep=set())
    assert [(each.key, each.rows) for each in shelved()] == [("filled", 1)]


def test_all_stores_that_are_in_use_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    for number, key in enumerate("abc"):
        fill(key, 5, used=1000.0 + number)
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", "70000")
    assert make_room(20_000, keep={"a", "b"})
    assert [each.key for each in shelved()] == ["b", "a"]


@pytest.mark.parametrize(
    ("needed", "there", "left"),
    [(5_000, True, "cba"), (15_000, True, "ca"), (45_000, True, "a"), (55_000, False, "cba")],
)
def test_where_the_disk_is_short_the_oldest_go_and_a_reserve_stays(
    needed: int, there: bool, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, key in enumerate("abc"):
        fill(key, 5, used=1000.0 + number)
    disk = SimpleNamespace(total=200_000, free=20_000)  # of which 10,000 are left to others
    monkeypatch.setattr(shutil, "disk_usage", lambda place: disk)
    assert make_room(needed, keep={"a"}) is there
    assert "".join(each.key for each in shelved()) == left


def test_stores_that_cannot_be_dropped_give_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    fill("a", 5, used=1000.0)
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", "30000")
    assert not make_room(20_000, keep=())


def test_a_full_disk_alone_is_no_reason_to_prune(monkeypatch: pytest.MonkeyPatch) -> None:
    fill("a", 5, used=1000.0)
    disk = SimpleNamespace(total=200_000, free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: disk)
    assert prune() == 0
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", "10000")
    assert prune() > 20_000


def test_more_than_the_disk_has_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", "1e30")
    assert not make_room(10**24, keep=())


@pytest.mark.parametrize("typed", ["-1", "-1e-9", "nan", "inf", "20 GB"])
def test_a_limit_that_is_none_is_refused(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", typed)
    words = f"REGRAFT_CACHE_BYTES = '{typed}' cannot be used; expected a number of bytes, at least"
    with pytest.raises(SettingsError, match=words):
        limit()


@pytest.mark.parametrize(
    ("typed", "bytes_"), [("", LIMIT), (" ", LIMIT), ("0", 0), (" 2e3 ", 2000), ("1e30", 10**30)]
)
def test_the_limit_is_what_was_typed_or_the_usual_one(
    typed: str, bytes_: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", typed)
    assert limit() == pytest.approx(bytes_)


def test_prune_drops_what_is_of_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    fill("a", 3, used=1000.0)
    (data,) = (roof() / "a").glob(f"*{DATA}")
    data.write_bytes(bytes([1]) + data.read_bytes()[1:])
    old, young = roof() / "a" / f"1-x{DRAFT}", roof() / "a" / f"2-y{DRAFT}"
    for draft in (old, young):
        draft.write_bytes(b"half")
    os.utime(old, (0, 0))
    assert prune() > 12_000
    assert sorted(path.name for path in (roof() / "a").iterdir()) == [young.name, shelf.USED]


@pytest.mark.parametrize("work", [prune, lambda: make_room(10, keep={"a"})])
def test_a_store_that_others_remove_meanwhile_is_left_to_them(
    work: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in "ab":
        fill(key, 3, used=1000.0)
    draft = roof() / "a" / f"1-x{DRAFT}"
    draft.write_bytes(b"half")

    def removed(path: Path) -> bool:
        shutil.rmtree(path.parent)
        return False

    monkeypatch.setattr(shelf, "is_abandoned", removed)
    work()
    assert [each.key for each in shelved()] == ["b"]


def test_what_a_killed_process_left_gives_room_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", "50000")
    fill("a", 1, used=1000.0)
    left, held = (roof() / "a" / f"{name}{DRAFT}" for name in ("1-x", "2-y"))
    for draft in (left, held):
        draft.write_bytes(bytes(20_000))
        os.utime(draft, (1000, 1000))
    with held.open("rb") as stream:
        hold(stream)
        assert make_room(20_000, keep={"a"})
        assert not left.exists()
        assert held.exists()
        assert not make_room(30_000, keep={"a"})
    assert make_room(30_000, keep={"a"})


def test_of_a_store_that_stays_those_rows_go_that_nobody_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", "80000")
    for _ in range(3):
        fill("a", 5, used=1000.0)
    first, second, third = sorted((roof() / "a").glob(f"*{INDEX}"))
    for number, index in enumerate((first, second, third)):
        os.utime(index, (1000 + number, 1000 + number))
    monkeypatch.setattr(shelf, "CHECKED", {first.with_suffix(DATA): None})
    assert make_room(30_000, keep={"a"})
    assert [index.exists() for index in (first, second, third)] == [True, False, True]
    assert not make_room(60_000, keep={"a"})  # the first is in use


def test_what_is_above_the_limit_is_trimmed_but_nothing_that_is_read_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number, key in enumerate("abc"):
        fill(key, 5, used=1000.0 + number)
    segments = {key: next((roof() / key).glob(f"*{DATA}")) for key in "abc"}
    for number, key in enumerate("cab"):
        os.utime(segments[key].with_suffix(INDEX), (1000 + number, 1000 + number))
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", "50000")
    trim()
    assert all(path.exists() for path in segments.values())
    monkeypatch.setattr(shelf, "CHECKED", {segments["c"]: None})
    trim()
    assert [key for key in "abc" if segments[key].exists()] == ["b", "c"]
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", "10")
    trim()
    assert [key for key in "abc" if segments[key].exists()] == ["c"]


def test_prune_drops_what_was_found_longest_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        fill("a", 5, used=1000.0)
    one, other = sorted((roof() / "a").glob(f"*{INDEX}"))
    for index, when in ((one, 2000), (other, 1000)):
        os.utime(index, (when, when))
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", "30000")
    assert 20_000 < prune() < 30_000
    assert (one.exists(), other.exists()) == (True, False)
    open_store("a").find(np.zeros((1, 16), np.uint8))
    assert one.stat().st_mtime == 2000  # nothing was found in it
    open_store("a").find(np.arange(16, dtype=np.uint8)[None])
    assert one.stat().st_mtime > 2000


def test_nothing_to_come_drops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    fill("a", 5, used=1000.0)
    fill("b", 5, used=2000.0)
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", "10")
    assert make_room(0, keep={"b"})
    assert [each.key for each in shelved()] == ["b", "a"]


def test_clear_drops_everything() -> None:
    fill("a", 3, used=1000.0)
    assert clear() > 12_000
    assert not roof().exists()


@pytest.mark.parametrize("others", [0, 2])
def test_clear_says_what_cannot_be_deleted(others: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in "abc":
        fill(key, 3, used=1000.0)
    real = os.unlink
    kept = sorted(path.name for path in roof().glob(f"*/*{DATA}"))[: 1 + others]

    def refused(path: Any, **named: Any) -> None:
        if Path(path).name in kept:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        real(path, **named)

    monkeypatch.setattr(os, "unlink", refused)
    with pytest.raises(StorageError) as caught:
        clear()
    left = list(roof().glob("*/*"))
    assert sorted(path.name for path in left) == kept
    words = " cannot be deleted (Permission denied)" + (", nor can 2 others" if others else "")
    assert str(caught.value) in {f"{path}{words}" for path in left}
    assert caught.value.exit_code == 3


def test_clear_leaves_what_others_store_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    fill("a", 3, used=1000.0)
    real = os.rmdir

    def late(path: Any, **named: Any) -> None:
        if not (roof() / "b").exists():
            (roof() / "b").mkdir()
        real(path, **named)

    monkeypatch.setattr(os, "rmdir", late)
    assert clear() > 12_000
    assert [path.name for path in roof().iterdir()] == ["b"]


def test_a_store_in_a_folder_that_may_not_be_entered_is_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close_folder(tmp_path, monkeypatch)
    assert open_store("a").segments == []
