"""`resume` hands the folder of the run on and prints its result."""

from pathlib import Path

from regraft.errors import SettingsError
from tests.unit.cli.conftest import Stand, Type
from tests.unit.reports.example_result import example_result


def test_of_an_adaptation_the_table_of_methods_is_shown(typed: Type, stand_in: Stand) -> None:
    entry = {"name": "source_only", "selection": {}, "guards": {}, "seconds": 0.1}
    more = {"methods": [entry], "chosen": "source_only", "reason": "source-only is kept"}
    stand_in("resume:run_resume", {**example_result(), **more})
    outcome = typed("resume", "runs/a")
    assert outcome.out.splitlines()[-1].startswith("source_only")
    assert "source-only is kept" in outcome.err


def test_the_run_is_handed_on(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("resume:run_resume", SettingsError("runs/a is complete"))
    outcome = typed("resume", "runs/a", "--quiet")
    assert verb.calls[0][0] == Path("runs/a")
    assert outcome.code == 2
    assert "runs/a is complete" in outcome.err


def test_code_is_run_where_it_is_named(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("resume:run_resume", example_result())
    typed("resume", "runs/a", "--strategy", "mine:Own")
    typed("resume", "runs/a")
    assert [call[2] for call in verb.calls] == ["mine:Own", None]
