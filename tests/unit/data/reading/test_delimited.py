"""Tests that CSV and TSV are read as they were meant, with true line numbers."""

import csv
import io

import pytest

from regraft.data.reading.cells import Cells
from regraft.data.reading.delimited import parse_csv, parse_tsv
from regraft.errors import DataError


def _csv(text: str, shown: str) -> Cells:
    return parse_csv(lambda newline: io.StringIO(text, newline=newline), shown)


def _tsv(text: str, shown: str) -> Cells:
    return parse_tsv(lambda newline: io.StringIO(text, newline=newline), shown)


def test_quotes_newlines_and_emoji_stay_in_their_cell() -> None:
    cells = _csv('text,label\r\n"He said ""no"",\nthen 🙂",neg\r\nfine,pos\r\n', "a.csv")
    assert cells.columns["text"] == ['He said "no",\nthen 🙂', "fine"]
    assert cells.columns["label"] == ["neg", "pos"]
    assert not cells.errors


def test_a_row_has_the_line_where_it_starts_also_after_newlines_in_cells() -> None:
    cells = _csv('text,label\n"a\nb\nc",x\n\nd,y\n', "a.csv")
    assert list(cells.lines) == [2, 6]


def test_a_ragged_row_stays_in_place_with_its_reason() -> None:
    cells = _csv("text,label\na,x\nb\nc,y,more\nd,z\n", "a.csv")
    assert cells.errors == {
        1: "the row has 1 cell where the header has 2",
        2: "the row has 3 cells where the header has 2",
    }
    assert cells.columns == {"text": ["a", "b", "c", "d"], "label": ["x", "", "y", "z"]}
    assert cells.frame.num_rows == 4


def test_a_cell_that_reads_as_a_huge_number_is_only_text() -> None:
    cells = _csv("text,label\n1e99999999999,x\n", "a.csv")
    assert cells.columns["text"] == ["1e99999999999"]


def test_a_quote_that_is_never_closed_names_the_row() -> None:
    with pytest.raises(DataError, match=r"a\.csv:3 opens a quote"):
        _csv('text,label\na,x\n"b,y\nc,z\n', "a.csv")


def test_a_cell_beyond_the_limit_is_an_error_and_the_global_limit_is_put_back() -> None:
    before = csv.field_size_limit()
    with pytest.raises(DataError, match=r"a\.csv:2 cannot be read"):
        _csv("text\n" + "a" * (10 << 20) + "b\n", "a.csv")
    assert csv.field_size_limit() == before


def test_a_cell_of_a_megabyte_is_read() -> None:
    assert _csv("text,n\n" + "a" * (1 << 20) + ",1\n", "a.csv").columns["n"] == ["1"]


def test_semicolons_separate_where_the_header_has_no_comma() -> None:
    cells = _csv("text;label\nwell, good;pos\n", "a.csv")
    assert cells.columns == {"text": ["well, good"], "label": ["pos"]}
    assert "separated by ';'" in cells.notes[-1]


@pytest.mark.parametrize("told", ["sep=;", "SEP=;", '"sep=;"', "sep=|", "sep=\t", "sep=,"])
def test_the_line_in_which_excel_tells_the_mark_is_no_row_but_counts_as_a_line(told: str) -> None:
    mark = told.strip('"')[-1]
    cells = _csv(f"{told}\r\ntext{mark}label\r\nwell{mark}pos\r\nbad\r\n", "a.csv")
    assert cells.columns == {"text": ["well", "bad"], "label": ["pos", ""]}
    assert list(cells.lines) == [3, 4]
    assert list(cells.errors) == [1]


@pytest.mark.parametrize("above", ["\n", "\r\n\r\n", " \n\n"])
def test_blank_lines_above_the_header_hide_no_semicolons_and_count_as_lines(above: str) -> None:
    cells = _csv(f"{above}text;label\nwell, good;pos\n", "a.csv")
    assert cells.columns == {"text": ["well, good"], "label": ["pos"]}
    assert list(cells.lines) == [above.count("\n") + 2]
    with pytest.raises(DataError, match=rf"a\.csv:{above.count(chr(10)) + 2} opens a quote"):
        _csv(f'{above}text;label\n"a;x\n', "a.csv")


def test_lines_that_end_as_on_old_macs_are_lines() -> None:
    cells = _csv("text;label\rwell, good;pos\rbad;neg\r", "a.csv")
    assert cells.columns == {"text": ["well, good", "bad"], "label": ["pos", "neg"]}
    assert list(cells.lines) == [2, 3]


@pytest.mark.parametrize("text", ["", "\n\n", "  \n", ",\n"])
def test_a_file_without_a_header_is_empty(text: str) -> None:
    with pytest.raises(DataError, match=r"a\.csv is empty"):
        _csv(text, "a.csv")


def test_lone_quotes_in_a_tsv_are_letters() -> None:
    cells = _tsv('text\tlabel\n"well\tpos\nfine"\tneg\n', "a.tsv")
    assert cells.columns["text"] == ['"well', 'fine"']
    assert not cells.errors


def test_lone_quotes_in_a_tsv_are_letters_also_beside_a_ragged_row() -> None:
    cells = _tsv('text\tlabel\n"well\tpos\nfine"\tneg\nbad\tneg\textra\n', "a.tsv")
    assert cells.columns["text"] == ['"well', 'fine"', "bad"]
    assert list(cells.errors) == [2]


def test_quotes_around_some_words_of_a_cell_of_a_tsv_are_letters() -> None:
    cells = _tsv('text\tlabel\n"Good" film\tpos\nbad\tneg\n', "a.tsv")
    assert cells.columns["text"] == ['"Good" film', "bad"]
    assert not cells.errors


def test_one_cell_with_odd_quotes_makes_no_letters_of_the_quotes_of_a_whole_tsv() -> None:
    rows = '"a\tb"\tpos\n"c\nd\te\nf"\tneg\n"Good" film\tpos\n'
    cells = _tsv(f"text\tlabel\n{rows}", "a.tsv")
    assert cells.columns["text"] == ["a\tb", "c\nd\te\nf", "Good film"]
    cells = _tsv('"text"\t"label"\n"bad"\t"neg"\n"Good" film\t"pos"\n', "a.tsv")
    assert cells.columns == {"text": ["bad", "Good film"], "label": ["neg", "pos"]}


def test_whole_quotes_in_a_tsv_are_quotes() -> None:
    cells = _tsv('text\tlabel\n"a\tb"\tpos\n', "a.tsv")
    assert cells.columns["text"] == ["a\tb"]
