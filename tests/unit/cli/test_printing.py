"""Standard output holds the result and nothing else, and no reader can break it."""

import csv
import json
import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regraft.cli.printing import (
    refuse_document,
    refuse_existing,
    write_file,
    write_json,
    write_out,
    write_predictions,
    write_result,
    write_table,
    write_words,
)
from regraft.errors import SettingsError, StorageError
from regraft.training.progress import Lines
from tests.unit.reports.example_result import example_result

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def table() -> pa.Table:
    return pa.table({"text": ["=cmd()", "good, very"], "confidence": [-0.5, 1.0]})


def test_numbers_that_json_lacks_become_null(capsys: Captured) -> None:
    write_json({"a": float("nan"), "b": [float("inf"), 1.5, None, True], "c": Path("x")})
    assert json.loads(capsys.readouterr().out) == {
        "a": None,
        "b": [None, 1.5, None, True],
        "c": "x",
    }


def test_a_table_is_not_cut_where_there_is_no_terminal(capsys: Captured) -> None:
    write_table(["name", "text"], [["a", "x" * 300], ["b", "y"]])
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].endswith("x" * 300)
    assert lines[3].split() == ["b", "y"]
    assert not [line for line in lines if line.endswith(" ")]


def test_cells_are_words_and_no_commands(capsys: Captured) -> None:
    write_table(["name"], [["[bold]x[/bold] \x1b[31m"]])
    assert "[bold]x[/bold] \\x1b[31m" in capsys.readouterr().out


def test_a_result_is_a_table_on_stdout_and_words_on_stderr(capsys: Captured) -> None:
    write_result(example_result(), as_json=False, quiet=False)
    out, err = capsys.readouterr()
    assert "90.7 % [88.7, 92.7]" in out
    assert len(out.splitlines()) == 6
    assert "Transfer gained 7.5 points" in err
    assert "runs/reviews-two-stage-001/report.html" in err


def test_what_makes_scores_look_too_good_is_told_once_more_beside_them(capsys: Captured) -> None:
    leak = "2 rows of test are also in train: scores will look too good"
    warnings = ["14 texts occur twice", leak]
    write_result({**example_result(), "warnings": warnings}, as_json=False, quiet=False)
    err = capsys.readouterr().err
    assert f"warning: {leak}\n" in err
    assert "occur twice" not in err


def test_a_proof_that_fails_is_told_first(capsys: Captured) -> None:
    fault = "the proof does not hold: layer 0: frozen, and changed"
    leak = "2 rows of test are also in train: scores will look too good"
    write_result({**example_result(), "warnings": [leak, fault]}, as_json=False, quiet=False)
    first, second, *_ = capsys.readouterr().err.splitlines()
    assert (first, second) == (f"warning: {fault}", f"warning: {leak}")


def test_a_quiet_result_is_the_table_alone(capsys: Captured) -> None:
    write_result(example_result(), as_json=False, quiet=True)
    assert capsys.readouterr().err == ""


def test_a_result_as_json_is_the_document_itself(capsys: Captured) -> None:
    write_result(example_result(), as_json=True, quiet=False)
    out, err = capsys.readouterr()
    assert json.loads(out) == example_result()
    assert err == ""


def test_predictions_go_to_stdout_as_csv(capsys: Captured, table: pa.Table) -> None:
    write_predictions(table, None, guard_formulas=False)
    assert capsys.readouterr().out == ('"text","confidence"\n"=cmd()",-0.5\n"good, very",1\n')


def test_formulas_are_guarded_when_asked_and_numbers_are_not(
    capsys: Captured, table: pa.Table
) -> None:
    write_predictions(table, None, guard_formulas=True)
    assert '"\'=cmd()",-0.5' in capsys.readouterr().out


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_every_start_of_a_formula_is_guarded(capsys: Captured, start: str) -> None:
    write_predictions(pa.table({"t": [f"{start}1", "1=1", None]}), None, guard_formulas=True)
    assert f'"\'{start}1"' in capsys.readouterr().out.replace("\r\n", "\r")


def test_the_suffix_decides_the_format(tmp_path: Path, table: pa.Table) -> None:
    for suffix in (".csv", ".jsonl", ".parquet"):
        write_predictions(table, tmp_path / f"p{suffix}", guard_formulas=False)
    lines = (tmp_path / "p.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == table.to_pylist()
    assert pq.read_table(tmp_path / "p.parquet").equals(table)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["p.csv", "p.jsonl", "p.parquet"]


def test_nothing_that_exists_is_overwritten(tmp_path: Path, table: pa.Table) -> None:
    there = tmp_path / "p.csv"
    there.write_text("mine")
    with pytest.raises(SettingsError, match=r"p\.csv exists"):
        write_predictions(table, there, guard_formulas=False)
    assert there.read_text() == "mine"


def test_whoever_stops_the_writing_leaves_no_half_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write_file(tmp_path / "p.csv", b"text")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="none is not a folder"):
        refuse_existing(tmp_path / "none" / "p.csv")


def test_a_disk_that_says_no_leaves_nothing_behind(
    tmp_path: Path, table: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StorageError, match="No space left on device"):
        write_predictions(table, tmp_path / "p.csv", guard_formulas=False)
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_goes_away_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        write_out("words\n")
        write_out("more words\n")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_words_for_nobody_are_no_error(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr(sys, stream, pipe)
        write_words(["a", "b"])
        Lines(sys.stderr).say("c")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_behind_the_output_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(StorageError, match="standard output cannot be written"):
            write_out("words\n")


def test_a_terminal_of_another_encoding_does_not_change_a_file(
    table: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "p.csv"
    with place.open("w", encoding="latin-1", errors="backslashreplace") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        write_predictions(pa.table({"t": ["中"]}), None, guard_formulas=False)
    assert "中" in place.read_text("utf-8")


NESTED = {
    "id": [1, 2],
    "tags": [["a", "ü"], None],
    "entry": [{"n": 1, "at": None}, {"n": 2, "at": "x"}],
    "picture": pa.array([b"\x89PNG", None]),
    "pictures": [{"bytes": b"\xff", "path": "a"}, {"bytes": None, "path": "b"}],
    "view": pa.array(["=x", None], pa.string_view()),
}


def test_lists_and_records_are_json_in_csv_and_bytes_are_left_out_with_a_word(
    tmp_path: Path, capsys: Captured
) -> None:
    write_predictions(pa.table(NESTED), tmp_path / "p.csv", guard_formulas=False)
    with (tmp_path / "p.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["id", "tags", "entry", "view"]
    assert json.loads(rows[0]["tags"]) == ["a", "ü"]
    assert json.loads(rows[1]["entry"]) == {"n": 2, "at": "x"}
    assert (rows[1]["tags"], rows[0]["view"]) == ("", "=x")
    said = "left out, as they hold bytes: 'picture', 'pictures'; --out FILE.parquet keeps them\n"
    assert capsys.readouterr().err == said


def test_bytes_are_left_out_of_json_lines_and_kept_in_parquet(
    tmp_path: Path, capsys: Captured
) -> None:
    for name in ("p.jsonl", "p.parquet"):
        write_predictions(pa.table(NESTED), tmp_path / name, guard_formulas=False, quiet=True)
    first = json.loads((tmp_path / "p.jsonl").read_text("utf-8").splitlines()[0])
    assert first == {"id": 1, "tags": ["a", "ü"], "entry": {"n": 1, "at": None}, "view": "=x"}
    assert pq.read_table(tmp_path / "p.parquet").column_names == list(NESTED)
    assert capsys.readouterr() == ("", "")


def test_a_name_that_is_too_long_for_a_file_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"File name too long.*try another --out"):
        refuse_existing(tmp_path / ("x" * 300 + ".csv"))


def test_a_document_has_the_name_of_one_and_a_place_that_is_free(tmp_path: Path) -> None:
    refuse_document(None)
    refuse_document(tmp_path / "new.JSON")
    for name in ("scores.csv", "scores", "scores.json.gz", ""):
        with pytest.raises(SettingsError, match="would hold JSON"):
            refuse_document(Path(name))
    (tmp_path / "old.json").touch()
    with pytest.raises(SettingsError, match=r"old\.json exists"):
        refuse_document(tmp_path / "old.json")
