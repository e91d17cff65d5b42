"""Tests that files of tables are read whole, and that parts are joined in order."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regraft.data.reading.tables import from_frame, join_parts, read_table
from regraft.errors import DataError


def _write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def test_a_table_knows_the_file_and_line_of_each_row(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.csv", 'text,label\n"x\ny",1\nz,2\n')
    table = read_table(path)
    assert (table.name, table.folder) == ("a", tmp_path)
    assert [str(origin) for origin in table.origins] == [f"{path}:2", f"{path}:4"]


def test_the_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    table = read_table(_write(tmp_path / "a.csv", "text,label\na,x\n", "utf-8-sig"))
    assert list(table.columns) == ["text", "label"]


def test_an_older_encoding_is_told(tmp_path: Path) -> None:
    table = read_table(_write(tmp_path / "a.csv", "text\ncafé noir\n", "cp1252"))
    assert table.columns["text"] == ["café noir"]
    assert "cp1252" in table.notes[0]


def test_ragged_rows_are_problems_with_file_and_line(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.tsv", "text\tlabel\na\tx\nb\n")
    problem = read_table(path).problems[0]
    assert str(problem.origin) == f"{path}:3"
    assert "1 cell where" in problem.reason


def test_parquet_keeps_types_in_the_frame_and_gives_texts(tmp_path: Path) -> None:
    frame = pa.table({"text": ["a", "b"], "label": [1, 0]})
    pq.write_table(frame, tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert table.columns == {"text": ["a", "b"], "label": ["1", "0"]}
    assert table.frame.schema.types == [pa.string(), pa.int64()]


def test_a_damaged_parquet_file_is_an_error_of_the_user(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a"] * 100}), tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_table(tmp_path / "a.parquet")


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_an_empty_file_is_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(DataError, match="is empty"):
        read_table(_write(tmp_path / f"a.{suffix}", ""))


def test_a_missing_file_names_the_nearest_one_beside_it(tmp_path: Path) -> None:
    _write(tmp_path / "reviews.csv", "text\na\n")
    with pytest.raises(DataError, match=r"try .*reviews\.csv"):
        read_table(tmp_path / "review.csv")


def test_another_kind_of_file_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected one of \.csv"):
        read_table(_write(tmp_path / "a.xlsx", "x"))


def test_joined_parts_keep_origins_errors_and_missing_columns() -> None:
    train = from_frame(pa.table({"text": ["a", "b"], "label": ["x", "y"]}), "train")
    test = from_frame(pa.table({"text": ["c"]}), "test")
    object.__setattr__(test, "errors", {0: "why"})
    joined = join_parts({"train": train, "test": test}, "both")
    assert joined.columns["label"] == ["x", "y", None]
    assert joined.columns["split"] == ["train", "train", "test"]
    assert [str(origin) for origin in joined.origins] == ["train:1", "train:2", "test:1"]
    assert joined.errors == {2: "why"}
    assert joined.frame.column("text").to_pylist() == ["a", "b", "c"]
    assert joined.known["split"] == "split"


def test_names_are_known_as_they_were_written(tmp_path: Path) -> None:
    read = read_table(_write(tmp_path / "a.csv", ";text ;label\n1;a;x\n"))
    made = from_frame(pa.table({"text": ["b"], " more": ["y"]}), "made")
    assert read.written == {"column1": "", "text": "text "}
    both = {"column1": "", "text": "text ", "more": " more"}
    assert join_parts({"train": read, "test": made}, "both").written == both


def test_joining_numbers_to_words_falls_back_to_text() -> None:
    train = from_frame(pa.table({"text": ["a"], "label": [1]}), "train")
    test = from_frame(pa.table({"text": ["b"], "label": ["one"]}), "test")
    joined = join_parts({"train": train, "test": test}, "both")
    assert joined.frame.column("label").to_pylist() == ["1", "one"]


def test_a_column_split_of_the_user_is_not_overwritten() -> None:
    train = from_frame(pa.table({"text": ["a"], "split": ["odd"]}), "train")
    joined = join_parts({"train": train}, "x")
    assert joined.columns["split"] == ["odd"]
    assert joined.columns["split of files"] == ["train"]


def test_texts_in_one_part_and_pictures_in_another_are_refused() -> None:
    train = from_frame(pa.table({"image": [b"x"]}), "train")
    test = from_frame(pa.table({"image": ["x"]}), "test")
    with pytest.raises(DataError, match="pictures in one part"):
        join_parts({"train": train, "test": test}, "both")


def test_a_frame_without_columns_is_refused() -> None:
    with pytest.raises(DataError, match="has 0 columns"):
        from_frame(pa.table({}), "a")


def test_rows_are_kept_with_all_that_belongs_to_them() -> None:
    frame = pa.table({"text": ["a", "b", "c"], "picture": [b"1", b"2", b"3"]})
    table = from_frame(frame, "t")
    object.__setattr__(table, "errors", {0: "torn", 2: "ragged"})
    kept = table.keep([1, 2])
    assert kept.columns == {"text": ["b", "c"]}
    assert kept.pixels == {"picture": [b"2", b"3"]}
    assert [origin.line for origin in kept.origins] == [2, 3]
    assert kept.frame.column("text").to_pylist() == ["b", "c"]
    assert kept.errors == {1: "ragged"}
    assert len(kept) == 2


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_parquet_whose_texts_are_not_utf8_is_refused_by_file_and_column(
    tmp_path: Path, kind: pa.DataType
) -> None:
    raw = pa.array([b"fine", None, b"caf\xe9"], pa.large_binary() if kind != pa.string() else None)
    texts = pa.Array.from_buffers(kind, 3, raw.buffers())
    pq.write_table(pa.table({"label": ["a", "b", "a"], "text": texts}), tmp_path / "bad.parquet")
    with pytest.raises(DataError, match=r"column 'text' of .*bad\.parquet holds .* not UTF-8"):
        read_table(tmp_path / "bad.parquet")
