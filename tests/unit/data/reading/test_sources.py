"""Tests that each source goes to its reader."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from regraft.data.reading import sources
from regraft.data.reading.sources import exists, is_named, looks_like_path, open_source
from regraft.errors import DataError, StorageError


def test_a_table_is_read_by_its_suffix(tmp_path: Path) -> None:
    (tmp_path / "a.CSV").write_text("text\na\n")
    assert open_source(str(tmp_path / "a.CSV")).columns == {"text": ["a"]}


def test_an_archive_is_called_by_its_own_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        archive.writestr("train.csv", "text,label\na,x\n")
    table = open_source(tmp_path / "pets.zip")
    assert table.name == "pets"
    assert table.sealed
    assert str(table.origins[0]) == f"{tmp_path}/pets.zip/train.csv:2"


def test_a_starter_is_opened_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data.csv").write_text("text,label\na,x\n")
    monkeypatch.setattr(sources, "open_dataset", lambda name, say: tmp_path)
    assert open_source("starter:bbc-news").name == "bbc-news"


def test_a_name_of_the_hub_goes_to_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(sources, "read_hub", asked.append)
    open_source("hf:owner/name")
    assert asked == ["owner/name"]


def test_lists_are_read_as_frames() -> None:
    assert open_source(["a"]).columns == {"text": ["a"]}


def test_a_missing_path_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").write_text("text\na\n")
    with pytest.raises(DataError, match=r"reviews\.csv"):
        open_source(tmp_path / "reveiws.csv")


def test_a_file_of_text_is_one_text(tmp_path: Path) -> None:
    (tmp_path / "note.TXT").write_text("what a film\nof two lines\n")
    table = open_source(str(tmp_path / "note.TXT"))
    assert list(table.columns["text"]) == ["what a film\nof two lines\n"]
    assert dict(table.known) == {"text": "text"}


def test_a_file_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(b"x")
    with pytest.raises(DataError, match=r"a\.pkl is of a kind that cannot be read"):
        open_source(tmp_path / "a.pkl")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        *(("a.csv", True), ("a/b", True), ("A.PNG", True), ("good", False)),
        *(("so good.csv", False), ("reviws.xlsx", True), ("a.json", True), ("a.csv.gz", True)),
        *(("a\\b", True), ("画面好/剧情差", False), ("/好看", True), ("好看/", False)),
    ],
)
def test_a_single_word_with_a_suffix_or_a_separator_is_a_path(word: str, expected: bool) -> None:
    assert looks_like_path(word) is expected


def test_what_a_starter_tells_goes_where_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def opened(name: str, *, say: Callable[[str], None]) -> Path:
        say(f"fetching {name}")
        return tmp_path

    (tmp_path / "data.csv").write_text("text,label\na,x\n")
    monkeypatch.setattr(sources, "open_dataset", opened)
    said: list[str] = []
    open_source("starter:bbc-news", say=said.append)
    open_source("starter:bbc-news")
    assert said == ["fetching bbc-news"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_must_not_be_entered_is_the_world_saying_no(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o000)
    assert exists(str(tmp_path / "locked" / "a.csv"))
    with pytest.raises(StorageError, match="cannot be read"):
        open_source(str(tmp_path / "locked"))


def test_a_file_that_must_not_be_read_is_the_world_saying_no(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    (tmp_path / "a.csv").write_text("text\na\n")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(StorageError, match=r"a\.csv cannot be read \(Permission denied\)"):
        open_source(tmp_path / "a.csv")


def test_what_must_not_be_looked_at_counts_as_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "exists", refuse)
    assert exists("locked/a.csv")


def test_a_name_longer_than_any_is_a_mistake() -> None:
    with pytest.raises(DataError, match="is too long for a path"):
        open_source(Path("x" * 5000))
    assert not exists("x" * 5000)
    assert not exists("a\0b")


def test_a_starter_s_name_alone_is_told_how_it_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="no file or folder 'bbc-news'") as caught:
        open_source("bbc-news")
    assert caught.value.hint == "starter:bbc-news"
    tiny = tmp_path / "bbc-news" / "good"
    tiny.mkdir(parents=True)
    (tiny / "a.txt").write_text("a text\n")
    assert len(open_source("bbc-news")) == 1  # the user's own folder


def test_no_word_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("text\na\n")
    assert not exists("")
    assert exists(".")
    with pytest.raises(DataError, match="there is no file or folder ''"):
        open_source("")


def test_a_chinese_word_in_a_folder_that_exists_is_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not looks_like_path("数据/评论")
    (tmp_path / "数据").mkdir()
    assert looks_like_path("数据/评论")


def test_a_name_is_one_word_or_a_folder_that_the_hub_s_library_saved(tmp_path: Path) -> None:
    (tmp_path / "my data").mkdir()
    for word in ("starter:pets", "hf:owner/name:part@main", f"hf:{tmp_path}/my data"):
        assert is_named(word)
    for word in ("starter: the soup was cold", "hf:no such folder", "starter:", "hf:", "pets"):
        assert not is_named(word)
