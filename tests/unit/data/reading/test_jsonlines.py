"""Tests that JSON Lines are read line by line, digits kept as written."""

import io

import pyarrow as pa
import pytest

from regraft.data.reading import cells as cells_module
from regraft.data.reading import jsonlines
from regraft.data.reading.cells import Cells
from regraft.data.reading.jsonlines import parse_jsonl
from regraft.errors import DataError


def _jsonl(text: str, shown: str) -> Cells:
    return parse_jsonl(lambda newline: io.StringIO(text, newline=newline), shown)


def test_columns_come_in_order_of_sight_and_missing_keys_are_missing() -> None:
    cells = _jsonl('{"text": "a"}\n\n{"label": "x", "text": "b"}\n', "a.jsonl")
    assert cells.columns == {"text": ["a", "b"], "label": [None, "x"]}
    assert list(cells.lines) == [1, 3]


def test_too_many_keys_are_refused_before_there_are_columns_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cells_module, "COLUMN_LIMIT", 3)
    monkeypatch.setattr(jsonlines, "BATCH", 2)
    lines = [f'{{"text": "a", "key{row}": 1}}\n' for row in range(6)]
    assert len(_jsonl("".join(lines[:2]), "a.jsonl").columns) == 3
    with pytest.raises(DataError, match=r"a\.jsonl has 5 columns; expected 3 at most"):
        _jsonl("".join(lines), "a.jsonl")


def test_a_line_separator_within_a_text_starts_no_new_row() -> None:
    cells = _jsonl('{"text": "a\u2028b"}\n', "a.jsonl")
    assert cells.columns["text"] == ["a\u2028b"]


def test_numbers_are_texts_as_written_and_typed_in_the_frame() -> None:
    cells = _jsonl('{"n": 7, "f": 1.50, "b": true}\n{"n": null, "f": 2, "b": false}\n', "a")
    assert cells.columns == {"n": ["7", None], "f": ["1.50", "2"], "b": ["True", "False"]}
    assert cells.frame.schema.types == [pa.int64(), pa.float64(), pa.bool_()]
    assert cells.frame.column("f").to_pylist() == [1.5, 2.0]


def test_long_whole_numbers_lose_no_digit_in_the_frame() -> None:
    column = _jsonl('{"id": 1234567890123456780}\n{"id": null}\n{"id": -1}\n', "a").frame["id"]
    assert column.to_pylist() == [1234567890123456780, None, -1]
    longer = _jsonl('{"id": 12345678901234567890}\n{"id": 1}\n', "a").frame["id"]
    assert longer.to_pylist() == ["12345678901234567890", "1"]


def test_a_whole_number_that_a_fraction_would_round_makes_the_column_text() -> None:
    rounded = _jsonl('{"n": 9007199254740993}\n{"n": 0.5}\n', "a").frame["n"]
    assert rounded.to_pylist() == ["9007199254740993", "0.5"]
    exact = _jsonl('{"n": 9007199254740992}\n{"n": 0.5}\n', "a").frame["n"]
    assert exact.to_pylist() == [2.0**53, 0.5]


def test_a_whole_number_is_the_same_text_with_and_without_a_fraction_of_nought() -> None:
    cells = _jsonl('{"n": 1}\n{"n": 1.0}\n{"n": -20.00}\n{"n": "1.0"}\n{"n": 1.05}\n', "a")
    assert cells.columns["n"] == ["1", "1", "-20", "1.0", "1.05"]


def test_a_value_that_is_nan_is_missing() -> None:
    cells = _jsonl('{"n": NaN, "m": NaN}\n{"n": 0.5, "m": 1}\n', "a")
    assert cells.columns == {"n": [None, "0.5"], "m": [None, "1"]}
    assert cells.frame.to_pydict() == {"n": [None, 0.5], "m": [None, 1]}


@pytest.mark.parametrize("number", ["1e99999999999", "9" * 5000])
def test_absurd_numbers_stay_text(number: str) -> None:
    cells = _jsonl(f'{{"n": {number}}}\n', "a.jsonl")
    assert cells.columns["n"] == [number]
    assert cells.frame.column("n").to_pylist() == [number]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": "b"', "not JSON"),
        ("[1]", "not a JSON object"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_broken_line_stays_in_place_with_its_reason(line: str, reason: str) -> None:
    cells = _jsonl(f'{{"text": "a"}}\n{line}\n{{"text": "c"}}\n', "a.jsonl")
    assert cells.columns["text"] == ["a", None, "c"]
    assert reason in cells.errors[1]


@pytest.mark.parametrize("text", ["", "\n", "7\n"])
def test_a_file_without_objects_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="one object a line"):
        _jsonl(text, "a.jsonl")


def test_lone_surrogates_are_replaced_in_cells_and_names() -> None:
    cells = _jsonl('{"te\\udc00xt": "a\\ud800b", "n": {"k": "\\udfff"}}', "a.jsonl")
    assert cells.columns["te\ufffdxt"] == ["a\ufffdb"]
    assert cells.frame.column("te\ufffdxt").to_pylist() == ["a\ufffdb"]
    assert cells.frame.column("n").to_pylist() == ['{"k": "\ufffd"}']


def test_values_inside_of_lists_and_objects_keep_their_kinds() -> None:
    line = '{"a": {"k": [1, 2.50, true, null, "1"]}, "b": [-3, {"c": NaN}], "n": 7}'
    cells = _jsonl(line, "a")
    assert cells.columns["a"] == ['{"k": [1, 2.5, true, null, "1"]}']
    assert cells.columns["b"] == ['[-3, {"c": null}]']
    assert cells.frame.column("n").to_pylist() == [7]
    many = "9" * 5000
    assert _jsonl(f'{{"a": [{many}]}}', "a").columns["a"] == [f'["{many}"]']


def test_a_pair_of_surrogates_is_one_letter() -> None:
    assert _jsonl(r'{"text": "\ud83d\ude42"}', "a.jsonl").columns["text"] == ["\U0001f642"]


def test_lines_of_many_batches_are_read_like_those_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        '{"n": 1, "b": true, "f": 1}',
        '{"n": 2, "t": "a\\ud800"}',
        "",
        "no",
        '{"f": 0.5, "b": false}',
        '{"late": 9007199254740993}',
        '{"late": 0.5, "n": NaN}',
    ]
    usual = _jsonl("\n".join(lines), "a.jsonl")
    monkeypatch.setattr(jsonlines, "BATCH", 2)
    many = _jsonl("\n".join(lines), "a.jsonl")
    assert many.columns == usual.columns
    assert list(many.columns) == ["n", "b", "f", "t", "late"]
    assert many.columns["late"] == [None] * 4 + ["9007199254740993", "0.5"]
    assert many.frame.to_pydict() == usual.frame.to_pydict()
    assert many.frame.schema == usual.frame.schema
    kinds = [pa.int64(), pa.bool_(), pa.float64(), pa.string(), pa.string()]
    assert many.frame.schema.types == kinds
    assert (list(many.lines), many.errors) == (list(usual.lines), usual.errors)
    assert (list(many.lines), list(many.errors)) == ([1, 2, 4, 5, 6, 7], [2])
