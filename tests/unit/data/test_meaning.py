"""Tests that cells become labels, parts and classes, each different name kept once."""

import unicodedata
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from regraft.data.guess import Roles
from regraft.data.meaning import (
    Read,
    classes_of,
    given_parts,
    meaning_of,
    nan_labels,
    numbers_of,
    rows_of,
    unknown_labels,
    usable_cells,
)
from regraft.data.reading.tables import from_frame
from regraft.data.rows import UNLABELLED
from regraft.errors import DataError

_ROLES = Roles(text="text", label="label", split="split", domain="domain")


def _read(labels: list[str | None], parts: list[str] | None = None, parted: bool = True) -> Read:
    columns = {
        "text": [f"text {n}" for n in range(len(labels))],
        "label": labels,
        "split": parts or ["train"] * len(labels),
        "domain": [f" d{n} " for n in range(len(labels))],
    }
    return meaning_of(from_frame(pa.table(columns), "t"), _ROLES, parted=parted)


def test_labels_that_differ_in_blanks_are_one() -> None:
    labels = _read(["b", " b ", None, "a", "  "]).labels
    assert labels.names == ("b", "a")
    assert labels.numbers.tolist() == [0, 0, UNLABELLED, 1, UNLABELLED]
    assert (labels.of(3), labels.are(["a"]).tolist()) == ("a", [False] * 3 + [True, False])


def test_parts_have_their_usual_names_or_are_refused() -> None:
    assert _read(["a"] * 3, ["Train", "dev", " test "]).given.tolist() == [0, 1, 2]
    assert _read(["a"] * 3, ["x", "y", "z"], parted=False).given.tolist() == []
    with pytest.raises(DataError, match="t:2 has 'odd' in column 'split'"):
        _read(["a"] * 2, ["train", "odd"])


def test_classes_are_those_of_the_rows_that_are_learnt_from() -> None:
    read = _read(["b", "a", "a", "z"], ["train", "train", "val", "test"])
    assert classes_of(read, np.array([0, 1, 2])) == ("a", "b")
    with pytest.raises(DataError, match="t:4 in part test has class 'z', which train lacks"):
        classes_of(read, np.arange(4))


@pytest.mark.parametrize(
    ("labels", "said"),
    [(["a", "a"], "only the class 'a'"), (["a", "b", "c"], "another value in each of 3 rows")],
)
def test_labels_that_are_no_classes_are_refused(labels: list[str | None], said: str) -> None:
    with pytest.raises(DataError, match=said):
        classes_of(_read(labels), np.arange(len(labels)))


def test_labels_of_no_class_are_problems_and_count_as_none() -> None:
    read = _read(["a", None, "x", "b"])
    assert [str(problem.origin) for problem in unknown_labels(read, ("a", "b"))] == ["t:3"]
    assert rows_of(read, ("a", "b")).labels.tolist() == [0, UNLABELLED, UNLABELLED, 1]


def test_cells_of_rows_that_cannot_be_used_are_missing() -> None:
    table = replace(_read(["a", "b", None]).table, errors={1: "4 cells, not 5"})
    assert usable_cells(table, "label") == ["a", None, None]
    assert usable_cells(table, "pixels") == []


def test_names_of_no_class_have_no_number() -> None:
    assert numbers_of(["2.0", "x", "1"], ("1", "2")) == [1, UNLABELLED, 0]


def test_domains_lose_their_blanks() -> None:
    assert list(rows_of(_read(["a", "b"]), ("a", "b")).domains) == ["d0", "d1"]


def _learnt(*labels: str) -> tuple[str, ...]:
    read = _read([*labels, *labels])
    return classes_of(read, np.arange(len(read.table)))


def test_whole_numbers_are_one_class_with_and_without_a_fraction_of_nought() -> None:
    read = _read(["1.0", "2", "1", None, "2.00"])
    assert read.labels.names == ("1", "2")
    assert read.labels.numbers.tolist() == [0, 1, 0, UNLABELLED, 1]
    assert _learnt("1.0", "10", "9.0") == ("1", "9", "10")


@pytest.mark.parametrize("labels", [("1.0", "2.5"), ("1.0", "a.0"), ("1.0.0", "2")])
def test_other_labels_keep_their_noughts(labels: tuple[str, ...]) -> None:
    assert _learnt(*labels) == tuple(sorted(labels))


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (("1", "2"), [0, 1, 1]),
        (("1.0", "2.0"), [0, 1, 1]),
        (("1.0", "2", "2.0", "3.5"), [0, 1, 2]),
        (("3", "4"), [UNLABELLED] * 3),
    ],
)
def test_labels_match_classes_that_are_written_in_another_way(
    classes: tuple[str, ...], expected: list[int]
) -> None:
    read = _read(["1", "2", "2.0"], parted=False)
    assert rows_of(read, classes).labels.tolist() == expected
    assert len(unknown_labels(read, classes)) == expected.count(UNLABELLED)


@pytest.mark.parametrize("classes", [("False", "True"), ("false", "true")])
def test_truths_match_classes_that_are_written_in_another_case(classes: tuple[str, ...]) -> None:
    labels: list[str | None] = [*classes, "TRUE", "false", "True", "no"]
    read = _read(labels, ["train", "train", "val", "val", "test", "test"])
    assert classes_of(read, np.arange(5)) == classes
    assert rows_of(read, classes).labels.tolist() == [0, 1, 1, 0, 1, UNLABELLED]
    assert [str(problem.origin) for problem in unknown_labels(read, classes)] == ["t:6"]


@pytest.mark.parametrize("classes", [("False", "True", "unknown"), ("NO", "YES")])
def test_case_tells_other_classes_apart(classes: tuple[str, ...]) -> None:
    read = _read([name.lower() for name in classes[:2]], parted=False)
    assert rows_of(read, classes).labels.tolist() == [UNLABELLED] * 2


def test_letters_made_of_one_or_two_characters_are_one_class_and_match_old_ones() -> None:
    one, two = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    assert _learnt(one, two, "thé") == (one, "thé")
    read = _read([one, two, "thé"], parted=False)
    for classes in ((one, "thé"), (two, "thé")):
        assert rows_of(read, classes).labels.tolist() == [0, 0, 1]
        assert not unknown_labels(read, classes)


def test_nan_is_no_label_where_all_others_are_numbers() -> None:
    labels = _read(["1.0", "NaN", "2", "nan"]).labels
    assert labels.names == ("1", "2")
    assert labels.numbers.tolist() == [0, UNLABELLED, 1, UNLABELLED]
    assert nan_labels(labels) == []


@pytest.mark.parametrize("others", [["naan", "roti"], []])
def test_nan_is_a_class_beside_words_and_alone_and_told(others: list[str | None]) -> None:
    labels = _read([*others, "nan"]).labels
    assert "nan" in labels.names
    assert nan_labels(labels) == ["1 label is 'nan'; if that means none, leave these cells empty"]


def test_a_part_that_is_none_says_what_is_done_without_the_column() -> None:
    table = from_frame(pa.table({"split": ["odd"]}), "t")
    with pytest.raises(DataError, match="try no --split, and so on"):
        given_parts(table, Roles(split="split"), then="so on")
