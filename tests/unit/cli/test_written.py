"""Tests that any table that can be read can be written, and that no text is run as a formula."""

import csv
import io
import json
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regraft.cli.written import binary_columns, content, plain

KEY = uuid.UUID(int=7)
ODD = {
    "key": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([KEY.bytes, None], pa.binary(16))),
    "entry": pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": 1}', None])),
    "kind": pa.array(["b", None]).dictionary_encode(),
    "span": pa.array([(1, 2, 3), None], pa.month_day_nano_interval()),
    "took": pa.array([5, None], pa.duration("s")),
    "far": pa.array([6_600_000, None], pa.date32()),
    "n": pa.array([2**60, None]),
}


def read_csv(made: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(made.decode("utf-8"), newline="")))


def test_columns_that_csv_does_not_know_become_texts() -> None:
    first, second = read_csv(content(pa.table(ODD), ".csv", guard_formulas=False))
    assert first["key"] == str(KEY)
    assert json.loads(first["entry"]) == {"a": 1}
    assert (first["kind"], first["took"], first["n"]) == ("b", "0:00:05", str(2**60))
    assert json.loads(first["span"]) == [1, 2, 3]
    assert first["far"].startswith("20040-")
    assert set(second.values()) == {""}


def test_columns_that_json_does_not_know_become_texts() -> None:
    lines = content(pa.table(ODD), ".jsonl", guard_formulas=False).splitlines()
    first, second = map(json.loads, lines)
    assert (first["key"], first["kind"], first["n"]) == (str(KEY), "b", 2**60)
    assert first["far"].startswith("20040-")
    assert set(second.values()) == {None}


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["=1", "1=", None]),
        pa.array(["=1", "1=", None], pa.large_string()),
        pa.array(["=1", "1=", None], pa.string_view()),
        pa.array(["=1", "1=", None]).dictionary_encode(),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_formulas_are_guarded_in_every_kind_of_text_and_in_names(
    column: pa.Array, suffix: str
) -> None:
    made = content(pa.table({"=c": column, "n": [1, 2, 3]}), suffix, guard_formulas=True)
    if suffix == ".csv":
        assert [row["'=c"] for row in read_csv(made)] == ["'=1", "1=", ""]
    else:
        assert [json.loads(line)["'=c"] for line in made.splitlines()] == ["'=1", "1=", None]


def test_a_formula_behind_blanks_is_guarded_in_cells_and_names() -> None:
    table = pa.table({" =c": [" \t-1", " x=1"]})
    assert read_csv(content(table, ".csv", guard_formulas=True)) == [
        {"' =c": "' \t-1"},
        {"' =c": " x=1"},
    ]


def test_parquet_is_not_guarded() -> None:
    table = pa.table({"=c": ["=1"]})
    assert pq.read_table(io.BytesIO(content(table, ".parquet", guard_formulas=True))).equals(table)


def test_parquet_keeps_columns_as_they_are() -> None:
    table = pa.table(ODD).drop_columns("span")  # Parquet has none
    assert pq.read_table(io.BytesIO(content(table, ".parquet", guard_formulas=False))).equals(table)


def test_columns_of_bytes_are_found_inside_others_too() -> None:
    inner = pa.array([{"bytes": b"x", "path": "a"}])
    table = pa.table({"a": ["x"], "b": pa.array([b"x"]), "c": inner, "d": pa.array([[1]])})
    assert binary_columns(table) == ["b", "c"]


def test_what_json_cannot_hold_becomes_words_or_nothing() -> None:
    found = plain({1: (float("nan"), True, KEY), "x": None})
    assert found == {"1": [None, True, str(KEY)], "x": None}
