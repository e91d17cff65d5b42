"""Tests that headers are cleaned and Arrow columns become texts or pictures."""

import datetime

import numpy as np
import pyarrow as pa
import pytest

from regraft.data.reading.cells import as_written, clean_header, split_columns
from regraft.errors import DataError


def test_blanks_around_names_are_stripped_and_told() -> None:
    names, notes = clean_header([" text", "label\u00a0"], "a.csv")
    assert names == ["text", "label"]
    assert "' text'" in notes[0]


def test_a_clean_header_has_nothing_to_tell() -> None:
    assert clean_header(["text", "label"], "a.csv") == (["text", "label"], ())


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(DataError, match="more than one column 'text'"):
        clean_header(["text", " text"], "a.csv")


def test_a_column_without_a_name_is_called_by_its_number() -> None:
    assert clean_header(["", "text"], "a.csv")[0] == ["column1", "text"]


def test_only_names_that_were_changed_are_kept_as_they_were_written() -> None:
    came = ["\ufefftext", " label", "", "a\ud800"]
    names, _ = clean_header(came, "a.csv")
    assert as_written(came, names) == {"label": " label", "column3": ""}


def test_numbers_dates_and_categories_become_their_texts() -> None:
    frame = pa.table(
        {
            "whole": pa.array([1, None]),
            "float": pa.array([1.0, 2.5]),
            "category": pa.array(["a", "b"]).dictionary_encode(),
            "day": pa.array([datetime.date(2020, 1, 2), None]),
        }
    )
    texts, pictures, notes = split_columns(frame)
    assert texts["whole"] == ["1", None]
    assert texts["float"] == ["1", "2.5"]
    assert texts["category"] == ["a", "b"]
    assert texts["day"] == ["2020-01-02", None]
    assert (pictures, notes) == ({}, ())


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.float16()])
def test_fractions_that_are_nan_are_missing(kind: pa.DataType) -> None:
    values = np.array([1, float("nan"), 0.5]).astype(kind.to_pandas_dtype())
    texts, _, _ = split_columns(pa.table({"n": pa.array(values, kind)}))
    assert texts["n"] == ["1", None, "0.5"]


def test_truths_are_spelled_as_python_and_the_csv_files_of_pandas_spell_them() -> None:
    texts, _, _ = split_columns(pa.table({"b": [True, None, False], "t": ["true", None, "x"]}))
    assert texts == {"b": ["True", None, "False"], "t": ["true", None, "x"]}


def test_bytes_and_records_of_bytes_are_pictures_and_lists_are_not_used() -> None:
    frame = pa.table(
        {
            "raw": pa.array([b"one", None]),
            "image": pa.array([{"bytes": b"two", "path": "a.png"}, None]),
            "part": pa.array([{"bytes": b"", "path": "a.png"}, {"bytes": None, "path": "b.png"}]),
            "vector": pa.array([[1.0], [2.0]]),
        }
    )
    texts, pictures, notes = split_columns(frame)
    assert texts == {}
    assert pictures == {
        "raw": [b"one", None],
        "image": [b"two", None],
        "part": [b"", "b.png"],
    }
    assert notes[0].startswith("column 'vector' holds list")
