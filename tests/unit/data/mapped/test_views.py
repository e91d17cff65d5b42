"""Tests that rows can be picked of tables whose columns were views."""

from typing import Any

import pyarrow as pa
import pytest

from regraft.data.mapped.views import without_views


def _views(values: list[Any]) -> pa.Array:
    return pa.array(values, pa.string_view())


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (_views(["a", None]), ["a", None]),
        (pa.array([b"a", None], pa.binary_view()), [b"a", None]),
        (pa.array([["a"], None], pa.list_(pa.string_view())), [["a"], None]),
        (pa.array([["a"], None], pa.large_list(pa.string_view())), [["a"], None]),
        (pa.array([["a", "b"]] * 2, pa.list_(pa.string_view(), 2)), [["a", "b"]] * 2),
        (pa.array([{"f": "a"}, None], pa.struct([("f", pa.string_view())])), [{"f": "a"}, None]),
        (pa.DictionaryArray.from_arrays([1, None], _views(["b", "a"])), ["a", None]),
    ],
)
def test_rows_can_be_picked_of_what_were_views(column: pa.Array, values: list[Any]) -> None:
    plain = without_views(pa.table({"n": [1, 2], "c": column}))
    assert plain.column_names == ["n", "c"]
    assert "view" not in str(plain.column("c").type)
    assert plain.take([1, 0])["c"].to_pylist() == values[::-1]


def test_other_columns_are_left_as_they_are() -> None:
    frame = pa.table({"t": ["a"], "d": pa.array(["a"]).dictionary_encode(), "l": [[1]]})
    assert without_views(frame) is frame
