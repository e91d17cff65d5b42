"""`predict` writes a table where rows were read, and tells of those that were not."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from regraft.errors import DataError
from tests.unit.cli.conftest import Stand, Type


def outcome_of(*problems: str, outside: int = 0) -> Any:
    table = pa.table(
        {
            "text": ["a good day"],
            "prediction": ["positive"],
            "confidence": [0.93],
            "p_positive": [0.93],
            "error": pa.array([None], pa.string()),
        }
    )
    return SimpleNamespace(table=table, problems=list(problems), outside=outside)


def test_the_verb_gets_all_texts_and_options(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("predict:run_predict", outcome_of())
    assert typed("predict", "runs/a", "one day", "two", "--suffix", "_new").code == 0
    settings = verb.calls[0][0]
    assert (settings.run, settings.inputs) == (Path("runs/a"), ("one day", "two"))
    assert settings.suffix == "_new"


def test_a_text_is_answered_with_a_small_table(typed: Type, stand_in: Stand) -> None:
    stand_in("predict:run_predict", outcome_of())
    lines = typed("predict", "r", "Note: a good day").out.splitlines()
    assert lines[0].split() == ["text", "prediction", "confidence"]
    assert lines[2].split() == ["a", "good", "day", "positive", "0.930"]


@pytest.mark.parametrize("word", ["-", "starter:reviews", "FILE"])
def test_data_is_answered_with_csv(typed: Type, stand_in: Stand, tmp_path: Path, word: str) -> None:
    stand_in("predict:run_predict", outcome_of())
    file = tmp_path / "d.csv"
    file.write_text("text\na good day\n")
    out = typed("predict", "r", str(file) if word == "FILE" else word).out
    assert out.startswith('"text","prediction","confidence","p_positive","error"\n')


def test_json_holds_rows_and_problems(typed: Type, stand_in: Stand) -> None:
    stand_in("predict:run_predict", outcome_of())
    document = json.loads(typed("predict", "r", "a good day", "--json").out)
    assert document["rows"][0]["prediction"] == "positive"
    assert document["problems"] == []


def test_json_takes_dates_that_python_lacks_and_no_guard(typed: Type, stand_in: Stand) -> None:
    made = outcome_of()
    far = pa.array([2**45], pa.timestamp("s"))
    made.table = made.table.append_column("far", far)
    stand_in("predict:run_predict", made)
    assert json.loads(typed("predict", "r", "a", "--json").out)["rows"][0]["far"]
    refused = typed("predict", "r", "a", "--json", "--guard-formulas")
    assert refused.code == 2
    assert "--guard-formulas cannot be used with --json" in refused.out


def test_out_holds_the_table_and_stdout_nothing(
    typed: Type, stand_in: Stand, tmp_path: Path
) -> None:
    stand_in("predict:run_predict", outcome_of())
    outcome = typed("predict", "r", "a good day", "--out", str(tmp_path / "p.jsonl"))
    assert outcome.out == ""
    assert json.loads((tmp_path / "p.jsonl").read_text())["confidence"] == 0.93


def test_a_file_in_the_way_is_told_before_the_work(
    typed: Type, stand_in: Stand, tmp_path: Path
) -> None:
    verb = stand_in("predict:run_predict", outcome_of())
    (tmp_path / "p.csv").write_text("mine")
    assert typed("predict", "r", "a", "--out", str(tmp_path / "p.csv")).code == 2
    assert verb.calls == []


def test_unreadable_rows_are_told_and_end_in_3(typed: Type, stand_in: Stand) -> None:
    stand_in("predict:run_predict", outcome_of(*(f"d.csv:{n}: empty" for n in range(12))))
    outcome = typed("predict", "r", "-")
    assert outcome.code == 3
    assert outcome.out.count("\n") == 2
    assert outcome.err.splitlines()[:2] == ["12 rows could not be read:", "d.csv:0: empty"]
    assert outcome.err.splitlines()[-1] == "… and 2 more"


def test_what_is_no_row_is_counted_apart(typed: Type, stand_in: Stand) -> None:
    stand_in("predict:run_predict", outcome_of("d/a.png: empty", "d/b.md: not", outside=1))
    outcome = typed("predict", "r", "d")
    assert outcome.code == 3
    first = "1 row could not be read and 1 problem of what is no row:"
    assert outcome.err.splitlines() == [first, "d/a.png: empty", "d/b.md: not"]
    stand_in("predict:run_predict", outcome_of("d/b.md: not", outside=1))
    assert typed("predict", "r", "d").err.splitlines()[0] == "1 problem of what is no row:"


def test_a_path_that_does_not_exist_ends_in_2(typed: Type, stand_in: Stand) -> None:
    stand_in("predict:run_predict", DataError("revews.csv does not exist"))
    outcome = typed("predict", "r", "revews.csv")
    assert (outcome.code, outcome.err) == (2, "error: revews.csv does not exist\n")


def test_a_long_text_is_cut_in_the_small_table(typed: Type, stand_in: Stand) -> None:
    answer = outcome_of()
    answer.table = answer.table.set_column(0, "text", pa.array(["x" * 500]))
    stand_in("predict:run_predict", answer)
    assert "x" * 59 + "…" in typed("predict", "r", "x" * 500).out


def test_a_size_of_batches_is_no_flag(typed: Type) -> None:
    outcome = typed("predict", "r", "a good day", "--batch-size", "3")
    assert outcome.code == 2
    assert "--batch-size is not a flag of regraft predict" in outcome.err
