"""Tests that sources become data sets whose rows, labels and problems are all accounted for."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from PIL import Image as Pil

from regraft.data.guess import Roles
from regraft.data.load import Reading, load, load_inputs
from regraft.data.mapped import room
from regraft.data.rows import UNLABELLED, Dataset
from regraft.errors import DataError
from tests import tiny


def _rows(count: int = 60) -> tuple[list[str], list[str]]:
    texts = [f"this is the review number {n}" for n in range(count)]
    return texts, [("pos", "neg")[n % 2] for n in range(count)]


def _csv(path: Path, *lines: str, count: int = 60) -> Path:
    texts, labels = _rows(count)
    body = [f"{text},{label}" for text, label in zip(texts, labels, strict=True)]
    path.write_text("\n".join(["text,label", *lines, *body]) + "\n", encoding="utf-8")
    return path


def _total(dataset: Dataset) -> int:
    return sum(len(rows) for rows in dataset.parts.values())


def test_a_table_becomes_parts_with_labels_and_origins(tmp_path: Path) -> None:
    dataset = load(_csv(tmp_path / "reviews.csv"))
    assert (dataset.name, dataset.classes, dataset.modality) == ("reviews", ("neg", "pos"), "text")
    assert dataset.columns == {"text": "text", "label": "label"}
    assert len(dataset.parts["val"]) == 0
    test = dataset.parts["test"]
    for text, label, origin in zip(test.inputs, test.labels, test.origins, strict=True):
        number = int(str(text).split()[-1])
        assert dataset.classes[label] == ("pos", "neg")[number % 2]
        assert origin.line == number + 2


def test_every_row_is_a_row_or_a_problem(tmp_path: Path) -> None:
    path = _csv(tmp_path / "a.csv", "lonely", "no label here, ", " ,pos")
    dataset = load(path)
    assert _total(dataset) == 60
    assert [(str(p.origin), p.reason) for p in dataset.problems] == [
        (f"{path}:2", "the row has 1 cell where the header has 2"),
        (f"{path}:3", "the label is empty"),
        (f"{path}:4", "the text is empty"),
    ]


def test_labels_lose_their_blanks_but_not_their_case(tmp_path: Path) -> None:
    dataset = load(_csv(tmp_path / "a.csv", "one more row, pos ", "and another,Pos"))
    assert dataset.classes == ("Pos", "neg", "pos")
    assert "classes 'Pos', 'pos' differ only in case and are kept apart" in dataset.warnings


def test_numbers_as_labels_are_names_in_order_of_their_size() -> None:
    texts, _ = _rows()
    assert load((texts, [[2, 10, 1][n % 3] for n in range(60)])).classes == ("1", "2", "10")


def test_a_given_split_keeps_leaks_and_tells_of_them(tmp_path: Path) -> None:
    _csv(tmp_path / "train.csv", count=250)
    (tmp_path / "test.csv").write_text("text,label\nthis is  the review number 3,neg\nnew,pos\n")
    dataset = load(tmp_path)
    assert len(dataset.parts["test"]) == 2
    assert len(dataset.parts["val"]) > 0
    assert any(
        "1 row of test is also in train: scores will look too good" in warning
        for warning in dataset.warnings
    )
    assert [dataset.parts["test"].inputs[row] for row in dataset.leaked.tolist()] == [
        "this is  the review number 3"
    ]


def test_a_row_that_is_cut_off_takes_no_column_of_parts_away(tmp_path: Path) -> None:
    parts = ["train", "test"] * 9
    body = [f"the text number {n},{'xy'[n // 9]},{part}" for n, part in enumerate(parts)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["text,label,split", *body, "torn,x"]))
    for roles in (Roles(), Roles(split="split")):
        dataset = load(path, roles)
        assert (len(dataset.parts["train"]), len(dataset.parts["test"])) == (9, 9)
        assert [problem.origin.line for problem in dataset.problems] == [20]


@pytest.mark.parametrize(("part", "own"), [("val", True), ("test", False), ("train", False)])
def test_a_val_part_is_known_to_be_one_that_the_data_had(part: str, own: bool) -> None:
    texts, labels = tiny.toy_texts(240)
    parts = ["train"] * 220 + [part] * 20
    dataset = load({"text": texts, "label": labels, "split": parts})
    assert dataset.own_val is own
    assert len(dataset.parts["val"])


def test_texts_with_two_labels_are_told(tmp_path: Path) -> None:
    dataset = load(_csv(tmp_path / "a.csv", "this is the review number 3,pos"))
    assert "1 input occurs with more than one label" in dataset.warnings


def test_a_class_of_test_that_train_lacks_is_named(tmp_path: Path) -> None:
    _csv(tmp_path / "train.csv")
    (tmp_path / "test.csv").write_text("text,label\nfine,Positive\n")
    with pytest.raises(DataError, match=r"test\.csv:2 in part test has class 'Positive'"):
        load(tmp_path)


def test_a_test_part_without_labels_is_replaced_with_a_warning(tmp_path: Path) -> None:
    _csv(tmp_path / "train.csv")
    (tmp_path / "test.csv").write_text("text\nfine\n")
    dataset = load(tmp_path)
    assert len(dataset.parts["test"]) == 6
    assert dataset.problems == ()
    assert "the test part has no labels" in dataset.warnings[0]


def test_a_test_folder_without_classes_is_left_out_with_the_same_warning(tmp_path: Path) -> None:
    root = _pictures(tmp_path / "pets")
    for number, file in enumerate(sorted((root / "test").glob("*/*"))):
        file.rename(root / "test" / f"{number}.png")
    for folder in ("cat", "dog"):
        (root / "test" / folder).rmdir()
    dataset = load(root)
    assert "the test part has no labels" in dataset.warnings[0]
    assert set(dataset.classes) == {"cat", "dog"}
    assert not any("/test/" in str(origin) for origin in dataset.parts["test"].origins)


def test_a_first_line_that_is_a_row_is_told(tmp_path: Path) -> None:
    texts, labels = _rows()
    lines = [f"{text},{label}" for text, label in zip(texts, labels, strict=True)]
    (tmp_path / "bare.csv").write_text("\n".join(lines))
    warning = load(tmp_path / "bare.csv").warnings[0]
    assert warning.startswith(f"the first line of bare looks like a row: '{labels[0]}' is")
    assert not load(_csv(tmp_path / "a.csv")).warnings


def test_groups_of_a_column_are_never_parted() -> None:
    texts, labels = _rows(400)
    groups = [str(n // 10) for n in range(400)]
    dataset = load({"text": texts, "label": labels, "who": groups}, Roles(group="who"))
    sets = [set(rows.groups) for rows in dataset.parts.values()]
    assert sum(map(len, sets)) == len(set(groups))


def test_groups_that_a_given_split_parts_are_told() -> None:
    table = {
        "text": [f"text {n}" for n in range(40)],
        "label": ["a", "b"] * 20,
        "split": ["train"] * 30 + ["test"] * 10,
        "group": [*(f"g{n}" for n in range(38)), "g0", "g1"],
    }
    found = load(table, Roles(group="group"))
    said = "2 rows of test have a group that is also in train: scores will look too good"
    assert [warning for warning in found.warnings if "group" in warning] == [said]


def test_domains_go_with_their_rows() -> None:
    texts, labels = _rows()
    dataset = load({"text": texts, "label": labels, "domain": labels})
    train = dataset.parts["train"]
    assert list(train.domains) == [train.classes[number] for number in train.labels]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ((["a"] * 9, ["x"] * 9), "only the class 'x'"),
        (([], []), "has no row that can be used"),
        ((["a", "b"], [None, ""]), "has no row that can be used"),
        (["a", "b"], "looks like the labels"),
        ((["a", "b", "c"], ["1", "2", "3"]), "another value in each of 3 rows"),
        ({"text": ["a", "b"], "label": ["x", "y"], "split": ["odd", "train"]}, "has 'odd'"),
    ],
)
def test_data_that_cannot_be_learnt_from_say_why(source: object, said: str) -> None:
    roles = Roles(split="split") if isinstance(source, dict) else Roles()
    with pytest.raises(DataError, match=said):
        load(source, roles)


def test_a_column_of_pictures_cannot_be_the_labels() -> None:
    with pytest.raises(DataError, match="holds pictures, not labels"):
        load({"text": ["a", "b"], "photo": [b"x", b"y"]}, Roles(text="text", label="photo"))


def _pictures(root: Path) -> Path:
    random = np.random.default_rng(0)
    for part, count in (("train", 6), ("test", 2)):
        for label in ("cat", "dog"):
            (root / part / label).mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(0, 256, (5, 7, 3)).astype(np.uint8)
                Pil.fromarray(pixels).save(root / part / label / f"{number}.png")
    return root


def test_a_folder_of_images_is_decoded_once_and_bad_files_are_left_out(tmp_path: Path) -> None:
    root = _pictures(tmp_path / "pets")
    whole = (root / "train/cat/0.png").read_bytes()
    (root / "train/cat/0.png").write_bytes(whole[:-40])
    dataset = load(root)
    assert (dataset.name, dataset.classes) == ("pets", ("cat", "dog"))
    assert [len(dataset.parts[part]) for part in ("train", "val", "test")] == [11, 0, 4]
    assert [str(problem.origin) for problem in dataset.problems] == [f"{root}/train/cat/0.png"]
    assert dataset.pictures is not None
    assert dataset.pictures.short_side == 5
    assert dataset.pictures.grey_share == 0


def test_inputs_stay_in_order_and_in_place(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("id,text,label\n1,good,pos\n2,bad\n3,,neg\n4,odd,what\n5,fine,\n")
    rows, table = load_inputs(path, "text", classes=["neg", "pos"])
    assert list(rows.inputs) == ["good", "bad", "", "odd", "fine"]
    assert rows.labels.tolist() == [1, UNLABELLED, 0, UNLABELLED, UNLABELLED]
    assert rows.classes == ("neg", "pos")
    assert sorted(table.errors) == [1, 2]
    assert [problem.origin.line for problem in table.problems] == [3, 4, 5]
    assert table.problems[2].reason == "label 'what' is none of the classes"
    assert table.frame.column_names == ["id", "text", "label"]
    assert table.frame.num_rows == 5


def test_a_file_to_predict_whose_first_line_is_a_row_gets_a_warning(tmp_path: Path) -> None:
    said: list[str] = []
    reading = Reading(columns={"text": "review"}, say=said.append)
    bare, named = tmp_path / "bare.csv", tmp_path / "named.csv"
    bare.write_text(f"{'a film with words, and ' * 5}\nanother film\n".replace(",", ""))
    named.write_text("review\nanother film\n")
    for path in (named, bare):
        assert not said
        load_inputs(path, "text", classes=["neg", "pos"], reading=reading)
    assert len(said) == 1
    assert said[0].startswith("warning: the first line of bare looks like a row: ")


def test_inputs_need_no_labels(tmp_path: Path) -> None:
    rows, table = load_inputs(["one text", "two"], "text", classes=["a", "b"])
    assert rows.labels.tolist() == [UNLABELLED, UNLABELLED]
    assert table.problems == ()


def test_one_text_is_a_text_and_one_missing_path_an_error(tmp_path: Path) -> None:
    for text in ("", "good", "I like a/b testing", "x" * 5000, "starter: a soup"):
        assert list(load_inputs(text, "text", classes=["a"])[0].inputs) == [text]
    _csv(tmp_path / "reviews.csv")
    with pytest.raises(DataError, match=r"try .*reviews\.csv"):
        load_inputs(str(tmp_path / "review.csv"), "text", classes=["a"])
    with pytest.raises(DataError, match="no file or folder"):
        load_inputs("photo", "image", classes=["a"])
    with pytest.raises(DataError, match="no file or folder ''"):
        load_inputs("", "image", classes=["a"])


def test_image_inputs_keep_the_unreadable_ones_in_place(tmp_path: Path) -> None:
    root = _pictures(tmp_path / "pets") / "test" / "cat"
    (root / "0.png").write_bytes(b"no picture")
    rows, table = load_inputs(root, "image", classes=["cat", "dog"])
    assert len(rows) == 2
    assert list(table.errors) == [0]
    paths = [str(root / "1.png"), str(root / "gone.png")]
    rows, table = load_inputs(paths, "image", classes=["cat", "dog"])
    assert list(table.errors) == [1]


def test_inputs_of_the_other_kind_and_no_inputs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="files of pictures where texts are wanted"):
        load_inputs(_pictures(tmp_path / "pets"), "text", classes=["a"], roles=Roles(label="label"))
    with pytest.raises(DataError, match="holds no images: its columns are"):
        load_inputs(["some text"], "image", classes=["a"])
    with pytest.raises(DataError, match="no rows"):
        load_inputs([], "text", classes=["a"])


def test_only_the_test_rows_of_a_split_are_read_where_they_alone_are_wanted(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label,split\na,what,train\nb,pos,test\n,pos,test\nd,neg,val\n")
    said: list[str] = []
    reading = Reading(only_test=True, say=said.append)
    rows, table = load_inputs(path, "text", classes=["neg", "pos"], reading=reading)
    assert list(rows.inputs) == ["b", ""]
    assert [str(problem.origin) for problem in table.problems] == [f"{path}:4"]
    assert table.known == {"text": "text", "label": "label", "split": "split"}
    assert said == ["column 'split' parts the rows of a: the 2 of part test are scored, of 4"]
    assert len(load_inputs(path, "text", classes=["neg", "pos"])[0]) == 4


def _many_texts(count: int) -> pa.Table:
    """Returns texts of three classes with a few that are missing, alike or without a label."""
    texts = [f"the text number {n % 250} is «written»" for n in range(count)]
    columns = {
        "text": [None if n % 41 == 7 else text for n, text in enumerate(texts)],
        "label": [None if n % 53 == 9 else (7, 10, 9)[n % 3] for n in range(count)],
        "domain": [f" {n % 2} " for n in range(count)],
        "group": [f"g{n // 4}" if n % 5 else None for n in range(count)],
        "price": [n / 3 for n in range(count)],
    }
    return pa.table(columns)


def _seen(dataset: Dataset) -> tuple[object, ...]:
    """Returns all that is in a data set as plain objects."""
    parts = {
        part: [
            *zip(rows.inputs, rows.labels.tolist(), map(str, rows.origins), strict=True),
            *rows.domains,
            *rows.groups,
        ]
        for part, rows in dataset.parts.items()
    }
    problems = [(str(problem.origin), problem.reason) for problem in dataset.problems]
    said = (dataset.split_rule, dataset.notes, problems, dataset.warnings)
    return (dataset.name, dataset.classes, parts, dataset.columns, *said)


def _write(table: pa.Table, path: Path) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(f"{json.dumps(row)}\n" for row in table.to_pylist()))
    else:
        delimiter = "\t" if path.suffix == ".tsv" else ","
        options = pa.csv.WriteOptions(delimiter=delimiter, quoting_style="needed")
        pa.csv.write_csv(table, path, options)
    return path


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".tsv", ".jsonl"])
@pytest.mark.parametrize("groups", [True, False])
def test_rows_that_are_many_are_read_like_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, groups: bool
) -> None:
    table = _many_texts(900)
    path = _write(table if groups else table.drop("group"), tmp_path / f"a{suffix}")
    usual = load(path)
    assert usual.warnings
    monkeypatch.setattr(room, "IN_MEMORY", 200)
    monkeypatch.setattr(room, "BLOCK", 32)
    many = load(path)
    assert _seen(many) == _seen(usual)
    assert isinstance(many.parts["train"].labels.base, np.memmap)


def test_parts_of_many_rows_are_read_like_those_of_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(_many_texts(300), tmp_path / "train.parquet")
    _write(_many_texts(90).drop("group"), tmp_path / "test.parquet")
    usual = _seen(load(tmp_path))
    monkeypatch.setattr(room, "IN_MEMORY", 200)
    monkeypatch.setattr(room, "BLOCK", 32)
    assert _seen(load(tmp_path)) == usual


def _said_of(path: Path, *, only_test: bool = False, roles: Roles = Roles()) -> list[str]:  # noqa: B008
    """Returns what is said of a file to a run that learnt from `review` and `verdict`."""
    said: list[str] = []
    columns = {"text": "review", "label": "verdict"}
    reading = Reading(columns, only_test=only_test, say=said.append)
    load_inputs(path, "text", classes=["neg", "pos"], roles=roles, reading=reading)
    return said


def test_another_column_than_the_run_learnt_from_is_told(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("title,feedback,label\ngood,a long story of good,pos\nbad,another one,neg\n")
    other = "warning: new has no column 'review'; 'title' is read (--text COLUMN reads another)"
    assert _said_of(path) == [other]
    label = "warning: new has no column 'verdict'; 'label' is read (--label COLUMN reads another)"
    assert _said_of(path, only_test=True) == [other, label]
    assert _said_of(path, roles=Roles(text="feedback")) == []
    path.write_text("title,review\ngood,a long story of good\n")
    assert _said_of(path) == []


def test_pictures_of_a_table_are_no_other_column_than_files_of_folders(tmp_path: Path) -> None:
    Pil.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "new.csv").write_text("path\na.png\n")
    for learnt, told in (("file", 0), ("photo", 1)):
        said: list[str] = []
        reading = Reading({"image": learnt, "label": "label"}, say=said.append)
        load_inputs(tmp_path / "new.csv", "image", classes=["cat", "dog"], reading=reading)
        assert len(said) == told


def test_texts_that_come_without_columns_are_no_other_column() -> None:
    said: list[str] = []
    reading = Reading({"text": "review"}, say=said.append)
    load_inputs(["a text"], "text", classes=["neg", "pos"], reading=reading)
    assert said == []


def test_an_odd_cell_in_a_typed_column_of_parts_says_what_is_done_without(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label,fold\na,pos,train\nb,neg,odd\n")
    reading, roles = Reading(only_test=True), Roles(split="fold")
    with pytest.raises(DataError, match="try no --split, and all rows are scored"):
        load_inputs(path, "text", classes=["neg", "pos"], roles=roles, reading=reading)
    with pytest.raises(DataError, match="try no --split, and the rows are parted for you"):
        load(path, roles)


def test_nan_is_no_label_beside_numbers_and_a_told_class_beside_words(tmp_path: Path) -> None:
    texts, _ = _rows()
    stars = load((texts, [("1", "2", "NaN")[n % 3] for n in range(60)]))
    assert stars.classes == ("1", "2")
    assert _total(stars) == 40
    assert not any("nan" in warning for warning in stars.warnings)
    words = load((texts, [("good", "bad", "nan")[n % 3] for n in range(60)]))
    assert words.classes == ("bad", "good", "nan")
    told = "20 labels are 'nan'; if that means none, leave these cells empty"
    assert told in words.warnings
