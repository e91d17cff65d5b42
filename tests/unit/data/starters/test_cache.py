"""Tests that folders of the cache are whole, checked and built once."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import filelock
import pytest

from regraft.data.starters import cache
from regraft.data.starters.cache import (
    MANIFEST,
    built_folder,
    cache_folder,
    is_intact,
    kept_first,
)
from regraft.errors import StorageError


def fill_with(text: str, calls: list[str]) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        calls.append(text)
        (folder / "inner").mkdir()
        (folder / "inner" / "file.txt").write_text(text, encoding="utf-8")

    return fill


def content(target: Path) -> str:
    return (target / "inner" / "file.txt").read_text(encoding="utf-8")


def test_the_cache_is_where_the_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path / "there"))
    assert cache_folder() == tmp_path / "there"


def test_without_the_variable_the_cache_is_the_platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REGRAFT_CACHE", raising=False)
    assert cache_folder().name == "regraft"


def test_a_folder_is_built_once_and_then_opened(tmp_path: Path) -> None:
    calls: list[str] = []
    first = built_folder(tmp_path / "a" / "set", fill_with("first", calls))
    second = built_folder(tmp_path / "a" / "set", fill_with("second", calls))
    assert first == second
    assert calls == ["first"]
    assert content(second) == "first"


def test_the_manifest_holds_size_and_digest_of_each_file(tmp_path: Path) -> None:
    target = built_folder(tmp_path / "set", fill_with("abc", []))
    files = json.loads((target / MANIFEST).read_bytes())["files"]
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert files == {"inner/file.txt": {"bytes": 3, "sha256": digest}}


def test_a_truncated_file_makes_the_folder_be_built_again(tmp_path: Path) -> None:
    target = built_folder(tmp_path / "set", fill_with("first", []))
    (target / "inner" / "file.txt").write_text("fir", encoding="utf-8")
    assert not is_intact(target)
    built_folder(target, fill_with("second", []))
    assert content(target) == "second"


@pytest.mark.parametrize("manifest", ["", "[]", '{"files": {"inner/file.txt": 3}}', "\x00"])
def test_a_broken_manifest_makes_the_folder_be_built_again(tmp_path: Path, manifest: str) -> None:
    target = built_folder(tmp_path / "set", fill_with("first", []))
    (target / MANIFEST).write_text(manifest, encoding="utf-8")
    built_folder(target, fill_with("second", []))
    assert content(target) == "second"


def test_a_folder_without_manifest_is_not_finished(tmp_path: Path) -> None:
    target = built_folder(tmp_path / "set", fill_with("first", []))
    (target / MANIFEST).unlink()
    assert not is_intact(target)


def test_a_failure_while_filling_leaves_nothing_behind(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "half").write_text("half", encoding="utf-8")
        raise RuntimeError("pulled the plug")

    with pytest.raises(RuntimeError, match="pulled the plug"):
        built_folder(tmp_path / "set", fill)
    assert [path.name for path in tmp_path.iterdir()] == [".set.lock"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(StorageError, match=r"set could not be written.*REGRAFT_CACHE=FOLDER"):
        built_folder(tmp_path / "file" / "set", fill_with("never", []))


def test_without_locks_the_first_to_finish_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(self: object) -> None:
        raise OSError("this disk has no locks")

    monkeypatch.setattr(filelock.FileLock, "acquire", no_locks)
    target = tmp_path / "set"

    def overtaken(folder: Path) -> None:
        built_folder(target, fill_with("first", []))
        fill_with("second", [])(folder)

    built_folder(target, overtaken)
    assert content(target) == "first"
    assert [path.name for path in tmp_path.iterdir() if "building" in path.name] == []


def test_thousands_of_files_are_brought_to_the_disk_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_MANY", 2)
    calls: list[str] = []
    monkeypatch.setattr(os, "sync", lambda: calls.append("sync"))

    def fill(folder: Path) -> None:
        for number in range(3):
            (folder / str(number)).write_text("x", encoding="utf-8")

    assert is_intact(built_folder(tmp_path / "set", fill))
    assert calls == ["sync"]


def number(place: Path) -> int | None:
    """Returns the number that a file holds, None where it holds none."""
    try:
        return int(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def no_links(*_: object) -> None:
    raise PermissionError(1, "Operation not permitted")


@pytest.fixture(params=["links", "no links"])
def _links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """File systems such as exFAT have no hard links."""
    if request.param == "no links":
        monkeypatch.setattr(os, "link", no_links)


@pytest.mark.usefixtures("_links")
def test_what_is_kept_first_is_what_all_go_on_with(tmp_path: Path) -> None:
    place = tmp_path / "new" / "number.json"
    assert kept_first(place, 1, text="1", read=number) == 1
    assert kept_first(place, 2, text="2", read=number) == 1
    assert {path.name for path in place.parent.iterdir()} - {"number.lock"} == {"number.json"}
    assert number(place) == 1


@pytest.mark.usefixtures("_links")
def test_what_is_of_no_use_is_replaced(tmp_path: Path) -> None:
    place = tmp_path / "number.json"
    place.write_text("none", encoding="utf-8")
    assert kept_first(place, 2, text="2", read=number) == 2
    assert number(place) == 2


def test_where_nothing_can_be_kept_what_was_made_counts(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert kept_first(tmp_path / "file" / "number.json", 1, text="1", read=number) == 1
