"""Tests which names of classes in a target are refused, warned of, or no business of ours."""

import unicodedata
from collections.abc import Sequence

import pytest

from regraft.data.load import load
from regraft.data.reading.frames import read_frame
from regraft.data.reading.tables import Table
from regraft.data.rows import Origin
from regraft.errors import DataError
from regraft.runs.adapting.classes import check_classes
from tests import tiny

TEXTS, LABELS = tiny.toy_texts(40)
SOURCE = load((TEXTS, LABELS))
Labels = Sequence[str | None]


def target(labels: Labels, column: str = "label", *, folder: bool = False) -> Table:
    """Returns a target with labels in a column, whose rows may be files in folders."""
    from dataclasses import replace

    table = read_frame({"text": TEXTS[: len(labels)], column: labels})
    places = [Origin(f"{number}.png") for number in range(len(labels))]
    return replace(table, known={"label": column}, origins=places if folder else table.origins)


def said(table: Table) -> list[str]:
    lines: list[str] = []
    check_classes(table, SOURCE, say=lines.append)
    return lines


def test_the_classes_of_the_source_and_no_labels_at_all_are_fine() -> None:
    assert SOURCE.columns["label"] == "label"
    assert said(target(LABELS)) == []
    assert said(target([None] * 12)) == []


def test_a_column_of_another_name_without_one_class_is_told_and_not_read() -> None:
    assert said(target(["sport", "politics"] * 6, "category")) == [
        "warning: column 'category' of the target data has none of the source's classes: it is "
        "not read"
    ]


def test_other_classes_are_refused_where_one_is_known_or_the_column_is_the_source_s() -> None:
    with pytest.raises(DataError, match="that the source lacks: 'so-so'; expected the classes neg"):
        said(target([*LABELS[:12], "so-so"], "category"))
    with pytest.raises(DataError, match="the source lacks: 'politics', 'sport'"):
        said(target(["sport", "politics"] * 6))


def test_one_class_is_refused_where_every_row_has_it_and_told_where_some_have_none() -> None:
    with pytest.raises(DataError, match="only the class 'pos'; expected rows of two classes"):
        said(target(["pos"] * 12))
    assert said(target([*["pos"] * 5, *[None] * 35])) == [
        "warning: all rows of the target data that have a label have the class 'pos'"
    ]


def test_classes_of_the_source_that_the_target_lacks_are_told() -> None:
    three = load((TEXTS, [f"c{number % 3}" for number in range(len(TEXTS))]))
    lines: list[str] = []
    check_classes(target(["c0", "c2", None] * 6), three, say=lines.append)
    assert lines == ["warning: of the source's classes the labels of the target data lack 'c1'"]
    many = load((TEXTS, [f"d{number % 9}" for number in range(len(TEXTS))]))
    check_classes(target(["d0", "d1"] * 6), many, say=lines.append)
    assert lines[1].endswith("lack 'd2', 'd3', 'd4', 'd5', 'd6' and 2 more")


def test_a_row_that_cannot_be_used_has_no_class() -> None:
    from dataclasses import replace

    table = replace(target([*["pos", "neg"] * 6, " or so"]), errors={12: "3 cells, not 2"})
    assert said(table) == []


@pytest.mark.parametrize("column", ["label", "category"])
def test_classes_that_are_written_in_another_way_are_the_source_s(column: str) -> None:
    digits = load((TEXTS, ["0", "1"] * 20))
    check_classes(target(["0.0", "1.0"] * 6, column), digits, say=pytest.fail)
    with pytest.raises(DataError, match="has only the class '1'"):
        check_classes(target(["1.0", "1"] * 6, column), digits, say=pytest.fail)
    drinks = load((TEXTS, ["caf\u00e9", "th\u00e9"] * 20))
    apart = [unicodedata.normalize("NFD", name) for name in drinks.classes] * 6
    for folder in (False, True):
        check_classes(target(apart, column, folder=folder), drinks, say=pytest.fail)


def test_rows_that_cannot_be_used_need_no_label_for_that() -> None:
    from dataclasses import replace

    table = replace(target([*["pos"] * 12, None]), errors={12: "the text is empty"})
    with pytest.raises(DataError, match="only the class 'pos'"):
        said(table)


def test_folders_that_are_no_classes_are_told_and_one_alone_is_not() -> None:
    found = said(target(["2023", "2024"] * 6, folder=True))
    assert found == [
        "warning: no folder of the target data is called as a class of the source is "
        "('2023', '2024'): its rows are read as rows without labels"
    ]
    assert said(target(["photos"] * 12, folder=True)) == []
    with pytest.raises(DataError, match=r"the source lacks: 'so-so'.*all files in one folder"):
        said(target(["so-so", "pos"] * 6, folder=True))


def test_folders_of_wholly_other_classes_are_refused() -> None:
    with pytest.raises(DataError, match=r"lacks: 'lion', 'tiger'.*try all files in one folder"):
        said(target(["lion", "tiger"] * 6, folder=True))


def test_folders_of_numbers_are_classes_beside_classes_that_are_numbers() -> None:
    digits = load((TEXTS, [str(len(label) % 2) for label in ["a", "ab"] * 20]))
    with pytest.raises(DataError, match="lacks: '2023', '2024'"):
        check_classes(target(["2023", "2024"] * 6, folder=True), digits, say=print)


def test_nan_beside_classes_that_are_numbers_is_no_class() -> None:
    from dataclasses import replace

    numbers = load((TEXTS, [str(n % 2) for n in range(len(TEXTS))]))
    labels = ["nan" if n == 3 else str(n % 2) for n in range(12)]
    table = replace(read_frame({"text": TEXTS[:12], "label": labels}), known={"label": "label"})
    lines: list[str] = []
    check_classes(table, numbers, say=lines.append)
    assert lines == []
