"""Tests that the origin of a row is the place that it was read from."""

import numpy as np
import pytest

from regraft.data.reading.origins import FileOrigins, JoinedOrigins, LineOrigins
from regraft.data.rows import Origin


def test_origins_are_made_for_single_rows_and_slices() -> None:
    origins = LineOrigins("a.csv", range(2, 10))
    assert origins[-1] == Origin("a.csv", 9)
    assert list(origins[1:3]) == [Origin("a.csv", 3), Origin("a.csv", 4)]


def test_lines_that_lie_in_an_array_are_plain_numbers() -> None:
    assert repr(LineOrigins("a.csv", np.array([2, 5]))[1]) == "Origin(file='a.csv', line=5)"


def test_origins_of_files_are_made_for_single_rows_and_slices() -> None:
    origins = FileOrigins("root", ["a", "b"])
    assert origins[-1] == Origin("root/b")
    assert list(origins[:1]) == [Origin("root/a")]


def test_joined_origins_are_those_of_the_tables_in_turn() -> None:
    origins = JoinedOrigins([LineOrigins("a", range(1, 3)), LineOrigins("b", range(7, 10))])
    assert [str(origin) for origin in origins] == ["a:1", "a:2", "b:7", "b:8", "b:9"]
    assert str(origins[-2]) == "b:8"
    with pytest.raises(IndexError):
        origins[5]
