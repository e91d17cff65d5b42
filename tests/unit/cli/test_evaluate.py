"""`evaluate` scores a run on the data that was typed."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Stand, Type
from tests.unit.reports.example_result import example_result


def test_the_verb_gets_run_data_and_columns(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("evaluate:run_evaluate", example_result())
    assert typed("evaluate", "runs/a", "new.csv", "--label", "stars", "--device", "cpu").code == 0
    settings = verb.calls[0][0]
    assert (settings.run, settings.data, settings.device) == (Path("runs/a"), "new.csv", "cpu")
    assert settings.columns == {"label": "stars"}


def test_the_result_is_a_table_or_a_document(typed: Type, stand_in: Stand) -> None:
    stand_in("evaluate:run_evaluate", example_result())
    assert "90.7 %" in typed("evaluate", "r", "d").out
    assert json.loads(typed("evaluate", "r", "d", "--json").out) == example_result()


def test_out_holds_the_document_beside_the_table(
    typed: Type, stand_in: Stand, tmp_path: Path
) -> None:
    stand_in("evaluate:run_evaluate", example_result())
    outcome = typed("evaluate", "r", "d", "--out", str(tmp_path / "scores.json"))
    assert json.loads((tmp_path / "scores.json").read_text()) == example_result()
    assert "90.7 %" in outcome.out


def test_a_file_in_the_way_is_told_before_the_work(
    typed: Type, stand_in: Stand, tmp_path: Path
) -> None:
    verb = stand_in("evaluate:run_evaluate", example_result())
    there = tmp_path / "scores.json"
    there.write_text("mine")
    assert typed("evaluate", "r", "d", "--out", str(there)).code == 2
    assert verb.calls == []


def test_no_report_and_no_baselines_of_other_rows_are_shown(typed: Type, stand_in: Stand) -> None:
    stand_in("evaluate:run_evaluate", example_result())
    outcome = typed("evaluate", "r", "d")
    assert "Report" not in outcome.err
    assert "linear probe" not in outcome.out
    assert len(outcome.out.splitlines()) == 3


@pytest.mark.parametrize(("count", "code"), [(0, 0), (2, 3)])
def test_rows_that_cannot_be_read_have_a_code(
    typed: Type, stand_in: Stand, count: int, code: int
) -> None:
    stand_in("evaluate:run_evaluate", {**example_result(), "unreadable": count})
    assert typed("evaluate", "r", "d").code == code


def test_a_column_of_parts_can_be_typed(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("evaluate:run_evaluate", example_result())
    typed("evaluate", "r", "d", "--split", "fold")
    assert verb.calls[0][0].columns == {"split": "fold"}


@pytest.mark.parametrize("flag", ["--batch-size", "--domain", "--group"])
def test_flags_that_would_do_nothing_are_none(typed: Type, flag: str) -> None:
    outcome = typed("evaluate", "r", "d", flag, "3")
    assert outcome.code == 2
    assert f"{flag} is not a flag of regraft evaluate" in outcome.err


@pytest.mark.parametrize("name", ["scores.csv", "scores", "."])
def test_a_document_is_not_written_under_another_name(
    typed: Type, stand_in: Stand, tmp_path: Path, name: str
) -> None:
    verb = stand_in("evaluate:run_evaluate", example_result())
    outcome = typed("evaluate", "r", "d", "--out", str(tmp_path / name))
    assert outcome.code == 2
    assert "would hold JSON; expected a name that ends in .json" in outcome.err
    assert verb.calls == []
