"""`report` prints the path of the page that it wrote."""

import json
from pathlib import Path

from tests.unit.cli.conftest import Stand, Type


def test_the_path_is_the_result(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("report:run_report", Path("runs/a/report.html"))
    assert typed("report", "runs/a").out == "runs/a/report.html\n"
    assert verb.calls == [(Path("runs/a"),)]


def test_json_names_the_path(typed: Type, stand_in: Stand) -> None:
    stand_in("report:run_report", Path("runs/a/report.html"))
    assert json.loads(typed("report", "runs/a", "--json").out) == {"report": "runs/a/report.html"}
