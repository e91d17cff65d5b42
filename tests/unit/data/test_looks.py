"""Tests what cells are taken for, and the order of classes."""

from pathlib import Path

import pyarrow as pa
import pytest

from regraft.data.looks import (
    TableLooks,
    case_twins,
    class_order,
    is_number,
    look_at,
    measured_classes,
    without_parts,
)
from regraft.data.reading.tables import from_frame
from regraft.errors import DataError


def test_long_different_cells_are_texts() -> None:
    assert look_at([f"this is the review number {n}" for n in range(50)]).as_text


@pytest.mark.parametrize(
    "cells",
    [
        ["short", "words", "differ"],
        ["one long sentence that is always the same"] * 50,
        [f"{n}.123456789012345" for n in range(50)],
        [f"some/long/path/to/a/picture-{n}.png" for n in range(50)],
        [None, ""],
    ],
)
def test_short_repeated_numeric_and_path_cells_are_no_texts(cells: list[str | None]) -> None:
    assert not look_at(cells).as_text


def test_few_values_that_come_again_are_classes() -> None:
    assert look_at(["pos", "neg", None] * 10).as_label
    assert not look_at([str(n) for n in range(100)]).as_label
    assert not look_at(["all the same"] * 100).as_label


def test_a_large_column_is_judged_by_a_sample_over_all_of_it() -> None:
    look = look_at(["a"] * 10_000 + ["b"] * 10_000)
    assert look.distinct == 2
    assert look.count <= 4000


def test_paths_are_images_only_where_files_exist(tmp_path: Path) -> None:
    table = from_frame(pa.table({"where": ["a.png", "b.png"]}), "t", folder=tmp_path)
    assert not TableLooks(table).is_image("where")
    long = from_frame(pa.table({"where": ["a" * 300 + ".png"]}), "t", folder=tmp_path)
    assert not TableLooks(long).is_image("where")  # no file can have such a name
    (tmp_path / "b.png").touch()
    assert TableLooks(table).is_image("where")


def test_a_column_is_a_split_only_if_every_cell_is_a_part() -> None:
    frame = pa.table({"split": ["train", " Test "], "fold": ["train", "odd"]})
    looks = TableLooks(from_frame(frame, "t"))
    assert looks.is_split("split")
    assert not looks.is_split("fold")


def test_classes_are_in_order_of_numbers_or_names() -> None:
    assert class_order(["10", "9", "-1", "9.5"]) == ("-1", "9", "9.5", "10")
    assert class_order(["10", "9", "b"]) == ("10", "9", "b")


@pytest.mark.parametrize("cell", ["1e99999999999", "nan", "inf", "1_0", "٣", "²", "-"])
def test_only_plain_digits_are_numbers(cell: str) -> None:
    assert not is_number(cell)


def test_classes_that_differ_only_in_case_are_named() -> None:
    assert case_twins(["Pos", "neg", "pos"]) == [
        "classes 'Pos', 'pos' differ only in case and are kept apart"
    ]
    assert case_twins(["pos", "neg"]) == []


@pytest.mark.parametrize(
    "classes",
    [
        [f"{half / 2:.1f}" for half in range(2, 11)],
        [str(number) for number in range(100)],
        [*(f"{tenth / 10:.1f}" for tenth in range(40)), "unknown"],
    ],
)
def test_half_stars_years_and_names_are_classes(classes: list[str]) -> None:
    assert measured_classes(classes) == []


def test_many_decimals_are_no_classes_and_said_so() -> None:
    (warning,) = measured_classes([f"{tenth / 10:.1f}" for tenth in range(221)])
    assert warning.startswith("the 221 classes are numbers, some of them with decimals")


def test_an_odd_cell_among_paths_makes_no_texts_of_them(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "cat_0.png").touch()
    cells = [*(f"pictures/cat_{n}.png" for n in range(18)), "N/A", "pictures/cat_19"]
    looks = TableLooks(from_frame(pa.table({"image": cells}), "t", folder=tmp_path))
    assert looks.is_image("image")
    assert not looks.is_text("image")
    assert not looks.is_long_text("image")
    assert not look_at([*cells, "pictures/cat.mp4"]).paths


def test_a_column_of_parts_is_no_column_of_classes() -> None:
    frame = pa.table({"split": ["train", "test"] * 10, "verdict": ["train", "plane"] * 10})
    looks = TableLooks(from_frame(frame, "t"))
    assert not looks.is_label("split")
    assert looks.is_label("verdict")


@pytest.mark.parametrize("odd", ["extra", "", None])
def test_parts_of_which_some_are_odd_are_refused_and_other_columns_are_not(
    odd: str | None,
) -> None:
    frame = pa.table({"split": ["train", "Test ", odd], "door": ["train", "odd", "even"]})
    looks = TableLooks(from_frame(frame, "t"))
    looks.refuse_odd_parts(["door"], then="so on")
    said = f"t:3 has '{odd or ''}' in column 'split'; expected train.*, and so on"
    with pytest.raises(DataError, match=said):
        looks.refuse_odd_parts(["door", "split"], then="so on")


@pytest.mark.parametrize(
    "cell",
    [
        "2024-05-{:02d}T10:30:00",
        "2024-05-{:02d} 10:30:00",
        "123e4567-e89b-12d3-a456-4266141740{:02d}",
        "deadbeef00{:02d}deadbeef",
        "https://example.org/page/{:02d}",
    ],
)
def test_times_codes_and_addresses_are_no_texts(cell: str) -> None:
    assert not look_at([cell.format(n) for n in range(50)]).as_text


@pytest.mark.parametrize("cell", ["这部电影好看{}", "この映画は良い{}", "замечательный{:02d}"])
def test_texts_without_blanks_are_texts_where_letters_are_not_latin(cell: str) -> None:
    assert look_at([cell.format(n) for n in range(10)]).as_text


def test_short_chinese_words_are_no_texts() -> None:
    assert not look_at([f"好看{n}" for n in range(10)]).as_text


def test_a_column_called_for_parts_that_has_none_is_told_with_its_first_odd_cell() -> None:
    frame = pa.table({"split": [None, "train", "Train set", "odd"]})
    assert without_parts(from_frame(frame, "t"), ["split"]) == [
        "column 'split' is not used: 'Train set' is none of train, val, test"
    ]
