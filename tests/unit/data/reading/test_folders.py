"""Tests that folders are read by their layout, sorted, and refused where they say nothing."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from regraft.data.reading.folders import read_files, read_folder
from regraft.errors import DataError


def _pictures(root: Path, names: Iterable[str]) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Pil.fromarray(np.zeros((4, 4), np.uint8)).save(root / name)
    return root


def _texts(root: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def test_class_folders_give_sorted_files_and_their_classes(tmp_path: Path) -> None:
    table = read_folder(_pictures(tmp_path, ["dog/b.png", "cat/c.png", "cat/a.png"]))
    assert table.columns["file"] == ["cat/a.png", "cat/c.png", "dog/b.png"]
    assert table.columns["label"] == ["cat", "cat", "dog"]
    assert dict(table.known) == {"image": "file", "label": "label"}
    assert str(table.origins[2]) == f"{tmp_path}/dog/b.png"


def test_split_folders_of_all_names_give_parts(tmp_path: Path) -> None:
    names = ["test/a/1.png", "Train/a/1.png", "valid/a/1.png"]
    table = read_folder(_pictures(tmp_path, names))
    assert table.columns["split"] == ["train", "val", "test"]
    assert table.columns["file"] == ["Train/a/1.png", "valid/a/1.png", "test/a/1.png"]


def test_one_folder_around_the_layout_is_passed_through(tmp_path: Path) -> None:
    table = read_folder(_pictures(tmp_path, ["pets/train/a/1.png", "pets/test/a/2.png"]))
    assert table.columns["split"] == ["train", "test"]
    assert table.columns["label"] == ["a", "a"]


def test_hidden_files_and_folders_are_ignored(tmp_path: Path) -> None:
    table = read_folder(_pictures(tmp_path, ["a/1.png", "a/.2.png", ".git/3.png", "b/4.png"]))
    assert table.columns["file"] == ["a/1.png", "b/4.png"]
    assert table.problems == ()


def test_text_files_are_read_as_texts(tmp_path: Path) -> None:
    table = read_folder(_texts(tmp_path, {"pos/1.txt": "good\n", "neg/1.txt": "bad"}))
    assert table.columns["text"] == ["bad", "good\n"]
    assert dict(table.known) == {"label": "label", "text": "text"}


def test_a_text_file_that_is_none_stays_in_place_with_its_reason(tmp_path: Path) -> None:
    _texts(tmp_path, {"pos/1.txt": "good", "neg/1.txt": "bad"})
    (tmp_path / "neg/1.txt").write_bytes(b"\0\1\2\3" * 50)
    table = read_folder(tmp_path)
    assert table.columns["text"] == [None, "good"]
    assert list(table.errors) == [0]


def test_files_of_another_kind_are_problems_not_rows(tmp_path: Path) -> None:
    _pictures(tmp_path, ["a/1.png", "b/2.png"])
    _texts(tmp_path, {"a/notes.txt": "x", "b/2.pdf": "x"})
    table = read_folder(tmp_path)
    assert len(table) == 2
    assert sorted(Path(str(problem.origin)).name for problem in table.problems) == [
        "2.pdf",
        "notes.txt",
    ]


def test_links_to_what_is_gone_stay_in_place_with_their_reason(tmp_path: Path) -> None:
    _texts(tmp_path / "texts", {"pos/1.txt": "good", "neg/1.txt": "bad"})
    (tmp_path / "texts/neg/2.txt").symlink_to(tmp_path / "gone.txt")
    table = read_folder(tmp_path / "texts")
    assert table.columns["text"] == ["bad", None, "good"]
    assert dict(table.errors) == {1: f"there is no file '{tmp_path}/texts/neg/2.txt'"}
    _pictures(tmp_path / "pictures", ["a/1.png", "b/2.png"])
    (tmp_path / "pictures/a/3.png").symlink_to(tmp_path / "gone.png")
    files = read_folder(tmp_path / "pictures").columns["file"]
    assert files == ["a/1.png", "a/3.png", "b/2.png"]


def test_links_to_what_is_gone_beside_the_classes_change_nothing(tmp_path: Path) -> None:
    _pictures(tmp_path / "all" / "pictures", ["a/1.png", "b/2.png"])
    for place in (tmp_path / "all", tmp_path / "all" / "pictures"):
        (place / "labels.csv").symlink_to(tmp_path / "gone.csv")
    assert read_folder(tmp_path / "all").columns["file"] == ["a/1.png", "b/2.png"]


def test_pictures_outside_of_class_folders_and_empty_classes_are_told(tmp_path: Path) -> None:
    _pictures(tmp_path, ["a/1.png", "b/2.png", "loose.png"])
    (tmp_path / "c").mkdir()
    reasons = [problem.reason for problem in read_folder(tmp_path).problems]
    assert reasons == ["a picture outside of the class folders", "a class folder without files"]


def test_tables_named_by_part_are_joined(tmp_path: Path) -> None:
    _texts(tmp_path, {"train.csv": "text,label\na,x\n", "dev.csv": "text,label\nb,y\n"})
    _texts(tmp_path, {"test.csv": "text,label\nc,x\n"})
    table = read_folder(tmp_path)
    assert table.columns["text"] == ["a", "b", "c"]
    assert table.columns["split"] == ["train", "val", "test"]
    assert str(table.origins[1]) == f"{tmp_path}/dev.csv:2"


def test_a_table_beside_those_of_parts_is_told(tmp_path: Path) -> None:
    table = "text,label\na,x\n"
    _texts(tmp_path, {"train.csv": table, "test.csv": table, "eval.csv": table})
    (problem,) = read_folder(tmp_path).problems
    assert str(problem.origin) == f"{tmp_path}/eval.csv"
    assert problem.reason.startswith("a table that is no part, as val.csv or test.csv would be")


def test_one_table_alone_in_a_folder_is_the_data(tmp_path: Path) -> None:
    table = read_folder(_texts(tmp_path, {"reviews.csv": "text,label\na,x\n", "LICENSE": "x"}))
    assert table.columns["text"] == ["a"]
    assert table.name == tmp_path.name


@pytest.mark.parametrize(
    "files",
    [["a.csv", "b.csv"], ["train.csv", "train.tsv"], ["test.csv", "val.csv"]],
)
def test_tables_that_are_not_clearly_parts_are_refused(tmp_path: Path, files: list[str]) -> None:
    _texts(tmp_path, {file: "text\tlabel\na\tx\n" for file in files})
    with pytest.raises(DataError, match="tables"):
        read_folder(tmp_path)


def test_two_folders_for_one_part_are_refused(tmp_path: Path) -> None:
    _pictures(tmp_path, ["train/a/1.png", "val/a/1.png", "dev/a/1.png"])
    with pytest.raises(DataError, match="two folders for one part"):
        read_folder(tmp_path)


def test_folders_of_folders_of_classes_are_refused(tmp_path: Path) -> None:
    _pictures(tmp_path, ["amazon/mug/1.png", "webcam/mug/1.png"])
    with pytest.raises(DataError, match="holds folders, not files"):
        read_folder(tmp_path)


def test_a_part_without_class_folders_is_refused(tmp_path: Path) -> None:
    _pictures(tmp_path, ["train/a/1.png", "val/1.png"])
    with pytest.raises(DataError, match="no class folders"):
        read_folder(tmp_path)


def test_a_class_may_be_called_as_a_part_is(tmp_path: Path) -> None:
    table = read_folder(_pictures(tmp_path, ["airplane/1.png", "bus/2.png", "train/3.png"]))
    assert table.columns["label"] == ["airplane", "bus", "train"]
    assert dict(table.known) == {"image": "file", "label": "label"}
    assert not table.problems
    _pictures(tmp_path, ["train/a/3.png"])
    assert read_folder(tmp_path).columns["file"] == ["train/a/3.png"]


@pytest.mark.parametrize("other", ["test/2.png", "notes.png"])
def test_a_train_part_of_files_alone_is_no_class(tmp_path: Path, other: str) -> None:
    _pictures(tmp_path, ["train/1.png", other])
    with pytest.raises(DataError, match="train holds no class folders"):
        read_folder(tmp_path)


def test_files_of_a_test_part_without_class_folders_have_no_label(tmp_path: Path) -> None:
    _pictures(tmp_path, ["train/a/1.png", "train/b/2.png", "test/3.png", "val/a/4.png"])
    table = read_folder(tmp_path)
    assert table.columns["label"] == ["a", "b", "a", None]
    assert table.columns["split"] == ["train", "train", "val", "test"]
    assert str(table.origins[3]) == f"{tmp_path}/test/3.png"


def test_an_empty_folder_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no rows"):
        read_folder(tmp_path)
    with pytest.raises(DataError, match="there is no file or folder"):
        read_folder(tmp_path / "none")


def test_files_without_classes_are_rows_without_labels(tmp_path: Path) -> None:
    table = read_folder(_pictures(tmp_path, ["2.png", "1.png"]))
    assert table.columns == {"file": ["1.png", "2.png"]}


def test_listed_files_keep_their_order_and_must_exist(tmp_path: Path) -> None:
    _pictures(tmp_path, ["1.png", "2.png"])
    paths = [str(tmp_path / "2.png"), str(tmp_path / "1.png")]
    assert read_files(paths).columns["file"] == paths
    with pytest.raises(DataError, match=r"try .*1\.png"):
        read_files([str(tmp_path / "1.pgn")])


def test_listed_files_of_two_kinds_are_refused(tmp_path: Path) -> None:
    _pictures(tmp_path, ["1.png"])
    _texts(tmp_path, {"2.txt": "x"})
    with pytest.raises(DataError, match=r"2\.txt cannot be read along"):
        read_files([str(tmp_path / "1.png"), str(tmp_path / "2.txt")])


def test_names_of_folders_that_are_not_utf8_are_classes_that_can_be_written(
    tmp_path: Path,
) -> None:
    for name in ("caf\udce9", "bar"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a\udcff.txt").write_text("some text")
    table = read_folder(tmp_path)
    assert table.columns["label"] == ["bar", "caf\ufffd"]
    assert table.columns["text"] == ["some text"] * 2
    assert table.frame.column("file").to_pylist() == ["bar/a\ufffd.txt", "caf\ufffd/a\ufffd.txt"]
    assert str(table.origins[1]) == f"{tmp_path}/caf\ufffd/a\ufffd.txt"


_TABLE = "text,label\na,x\n"


def _told(folder: Path) -> dict[str, str]:
    """Returns the reason for each thing in a folder that was not read."""
    problems = read_folder(folder).problems
    return {str(problem.origin).removeprefix(f"{folder}/"): problem.reason for problem in problems}


@pytest.mark.parametrize("name", ["test.xlsx", "Test.json", "val.csv.gz", "验证集.ods"])
def test_a_part_of_another_kind_beside_tables_or_folders_is_told(tmp_path: Path, name: str) -> None:
    for layout in ("train.csv", "reviews.csv"):
        _texts(tmp_path / layout, {layout: _TABLE, name: "x", "notes.md": "x"})
        assert list(_told(tmp_path / layout)) == [name]
    for layout in ("train/a/1.png", "a/1.png"):
        folder = _pictures(tmp_path / layout.replace("/", "-"), [layout])
        _texts(folder, {name: "x", "notes.md": "x"})
        assert list(_told(folder)) == [name]


def test_folders_beside_a_table_that_names_no_file_in_them_are_told(tmp_path: Path) -> None:
    _pictures(tmp_path, ["cat/1.png", "dog/1.png", "docs/1.png"])
    _texts(tmp_path, {"metadata.csv": "file,label\ncat/1.png,cat\n", "test/a.txt": "x"})
    _texts(tmp_path, {"notes/a.md": "x"})
    told = _told(tmp_path)
    assert list(told) == ["docs", "dog", "test"]
    assert set(told.values()) == {
        "a folder beside tables, which name no file in it, and was not read"
    }


def test_scripts_logs_and_a_folder_of_plots_beside_a_table_are_no_data(tmp_path: Path) -> None:
    _texts(tmp_path, {"new.csv": _TABLE, "test.py": "x", "train.log": "x", "train.sh": "x"})
    _pictures(tmp_path, ["plots/1.png"])
    assert _told(tmp_path) == {}


def test_a_part_s_own_files_are_not_told_twice(tmp_path: Path) -> None:
    _pictures(tmp_path, ["train/a/1.png", "test/a/1.png", "val.png"])
    assert _told(tmp_path) == {}
