"""`compare` hands checked settings to the verb and prints what it gives back."""

import json
from pathlib import Path

import pytest

from regraft.settings import FitSettings
from regraft.training.progress import Silent
from tests.unit.cli.conftest import Stand, Type
from tests.unit.reports.example_comparison import example_comparison


def test_the_verb_gets_what_was_typed(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("compare:run_compare", example_comparison())
    words = "compare d.csv --strategies head,full --strategies two-stage --seeds 2 --epochs 3"
    more = "--fractions 0.1,1 --against full --no-cache --no-baselines --seed 4 --quiet --out c"
    assert typed(*words.split(), *more.split()).code == 0
    asked, progress = verb.calls[0]
    assert asked.names == ("head", "full", "two-stage")
    assert (asked.seeds, asked.shares, asked.reference) == (2, (0.1, 1.0), "full")
    assert asked.shared == FitSettings(
        data="d.csv", epochs=3.0, cache=False, baselines=False, seed=4
    )
    assert asked.out == Path("c")
    assert isinstance(progress, Silent)


def test_what_was_not_typed_has_its_default(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("compare:run_compare", example_comparison())
    assert typed("compare", "d.csv").code == 0
    asked = verb.calls[0][0]
    assert (asked.names, asked.seeds, asked.shares) == (("head", "two-stage", "full"), 3, (1.0,))


def test_a_file_of_settings_may_be_one_of_fit(typed: Type, stand_in: Stand, tmp_path: Path) -> None:
    verb = stand_in("compare:run_compare", example_comparison())
    file = tmp_path / "fit.toml"
    file.write_text('data = "d.csv"\nstrategy = "full"\nlr = 0.1\nstrategies = ["head"]\n')
    assert typed("compare", "--config", str(file)).code == 0
    asked = verb.calls[0][0]
    assert (asked.names, asked.shared.lr, asked.shared.strategy) == (("head",), 0.1, "two-stage")


def test_the_table_is_the_result(typed: Type, stand_in: Stand) -> None:
    stand_in("compare:run_compare", example_comparison())
    outcome = typed("compare", "d.csv")
    assert outcome.out.splitlines()[-1].startswith("two-stage")
    assert "two-stage is best on validation." in outcome.err
    assert "Seconds depend on the order" in outcome.err
    assert "Page: runs/reviews-compare-001/compare.html" in outcome.err


def test_json_is_the_whole_document(typed: Type, stand_in: Stand) -> None:
    stand_in("compare:run_compare", example_comparison())
    outcome = typed("compare", "d.csv", "--json")
    assert json.loads(outcome.out) == example_comparison()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("compare", "DATA is missing"),
        ("compare d.csv --strategies head,ful", "there is no strategy 'ful'"),
        ("compare d.csv --fractions 0", "fractions = 0.0 cannot be used"),
        ("compare d.csv --fractions 2", "fractions = 2.0 cannot be used"),
        ("compare d.csv --seeds 0", "seeds = 0 cannot be used"),
        ("compare d.csv --epochs 0", "epochs = 0.0 cannot be used"),
        ("compare d.csv --strategy head", "--strategy is not a flag of regraft compare"),
        ("compare d.csv --control", "--control is not a flag of regraft compare"),
    ],
)
def test_a_mistake_ends_in_one_sentence(typed: Type, words: str, sentence: str) -> None:
    outcome = typed(*words.split())
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: {sentence}")
    assert outcome.err.count("\n") == 1
