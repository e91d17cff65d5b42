"""Tests that each source goes to its reader."""

import zipfile
from pathlib import Path

import pytest

from regraft.data.reading import sources
from regraft.data.reading.sources import looks_like_path, open_source
from regraft.errors import DataError


def test_a_table_is_read_by_its_suffix(tmp_path: Path) -> None:
    (tmp_path / "a.CSV").write_text("text\na\n")
    assert open_source(str(tmp_path / "a.CSV")).columns == {"text": ["a"]}


def test_an_archive_is_called_by_its_own_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        archive.writestr("train.csv", "text,label\na,x\n")
    table = open_source(tmp_path / "pets.zip")
    assert table.name == "pets"
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


def test_a_file_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(b"x")
    with pytest.raises(DataError, match=r"a\.pkl is of a kind that cannot be read"):
        open_source(tmp_path / "a.pkl")


@pytest.mark.parametrize(
    ("word", "expected"),
    [("a.csv", True), ("a/b", True), ("A.PNG", True), ("good", False), ("so good.csv", False)],
)
def test_a_single_word_with_a_suffix_or_a_separator_is_a_path(word: str, expected: bool) -> None:
    assert looks_like_path(word) is expected
