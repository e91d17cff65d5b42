"""`fit` hands checked settings to the verb and prints what it gives back."""

import json

import pytest

from regraft.settings import FitSettings
from regraft.training.progress import Lines, Silent
from tests.unit.cli.conftest import Stand, Type
from tests.unit.reports.example_result import example_result


def test_the_verb_gets_what_was_typed(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("fit:run_fit", example_result())
    words = "fit d.csv --batch-size 8 --lr 1e-4 --head mlp:64 --no-baselines --out r --text review"
    assert typed(*words.split()).code == 0
    settings, progress = verb.calls[0]
    assert settings == FitSettings.model_validate(
        {
            "data": "d.csv",
            "batch_size": 8,
            "lr": 1e-4,
            "head": "mlp:64",
            "baselines": False,
            "out": "r",
            "text": "review",
        }
    )
    assert isinstance(progress, Lines)


def test_the_table_is_the_result(typed: Type, stand_in: Stand) -> None:
    stand_in("fit:run_fit", example_result())
    outcome = typed("fit", "d.csv")
    assert outcome.out.splitlines()[-1].startswith("two-stage")
    assert "Transfer gained" in outcome.err


@pytest.mark.parametrize(
    ("rows", "words"),
    [(0, "nothing was read, so nothing was checked"), (8, "8 rows computed anew")],
)
def test_what_came_of_a_check_of_the_cache_is_told(
    typed: Type, stand_in: Stand, rows: int, words: str
) -> None:
    stand_in("fit:run_fit", {**example_result(), "cache": {"checked": rows}})
    assert words in typed("fit", "d.csv", "--check-cache").err
    assert "--check-cache" not in typed("fit", "d.csv").err


def test_json_is_the_whole_document(typed: Type, stand_in: Stand) -> None:
    stand_in("fit:run_fit", example_result())
    assert json.loads(typed("fit", "d.csv", "--json").out) == example_result()


def test_quiet_reaches_the_verb(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("fit:run_fit", example_result())
    outcome = typed("fit", "d.csv", "--quiet")
    assert isinstance(verb.calls[0][1], Silent)
    assert outcome.err == ""
