"""`resume` hands the folder of the run on and prints its result."""

from pathlib import Path

from regraft.errors import SettingsError
from tests.unit.cli.conftest import Stand, Type


def test_the_run_is_handed_on(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("resume:run_resume", SettingsError("runs/a is complete"))
    outcome = typed("resume", "runs/a", "--quiet")
    assert verb.calls[0][0] == Path("runs/a")
    assert outcome.code == 2
    assert "runs/a is complete" in outcome.err
