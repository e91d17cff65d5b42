"""Learning curves from the command line: stopped, gone on with, and made once only."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from regraft.data.load import load
from regraft.data.parting.share import take_share
from regraft.runs.comparing import trial as trial_module
from regraft.runs.fit import run_fit
from tests.end_to_end.conftest import Outcome, Type
from tests.end_to_end.test_mistakes import one_sentence

Line = tuple[object, ...]
FILES = ["compare.html", "compare.toml", "result.json", "trials"]


class Fits:
    """Fits as ever, keeps what each one saw, and stops before a number of them is reached."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int, float]] = []
        self.tests: list[list[str]] = []
        self.stop_at: int | None = None

    def __call__(self, settings: Any, *arguments: Any, **named: Any) -> Any:
        if len(self.begun) == self.stop_at:
            raise KeyboardInterrupt
        self.begun.append((settings.strategy, settings.seed, settings.fraction))
        result = run_fit(settings, *arguments, **named)
        table = pq.read_table(settings.out / "predictions-test.parquet")
        self.tests.append(table["origin"].to_pylist())
        return result


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> Fits:
    counted = Fits()
    monkeypatch.setattr(trial_module, "run_fit", counted)
    return counted


@pytest.fixture
def line(reviews: Path, bert: Path) -> Line:
    """Two strategies, two shares, two seeds."""
    return (
        *("compare", reviews, "--backbone", bert, "--epochs", 1, "--precision", "fp32"),
        *("--strategies", "head,two-stage", "--seeds", 2, "--fractions", "1,0.5", "--json"),
    )


def document(outcome: Outcome) -> dict[str, Any]:
    assert outcome.code == 0, outcome.err
    found: dict[str, Any] = json.loads(outcome.out)
    return found


def untimed(value: Any) -> Any:
    """Returns a document without its seconds and its own place."""
    if isinstance(value, dict):
        kept = {n: v for n, v in value.items() if n not in ("seconds", "comparison")}
        return {name: untimed(inner) for name, inner in kept.items()}
    return [untimed(inner) for inner in value] if isinstance(value, list) else value


def check_rows(result: dict[str, Any], fits: Fits) -> None:
    """Fails where trials were judged on other rows, or learnt from other shares."""
    assert len(fits.tests) == 8
    assert all(test == fits.tests[0] for test in fits.tests)
    assert result["data"]["rows"] == {"train": 192, "val": 24, "test": 24}
    for strategy in result["strategies"]:
        assert [share["fraction"] for share in strategy["fractions"]] == [0.5, 1.0]
        assert [share["rows"] for share in strategy["fractions"]] == [108, 216]
        for share in strategy["fractions"]:
            for name in ("accuracy", "macro_f1", "log_loss"):
                assert set(share[name]) == {"value", "low", "high"}


def test_rows_of_a_smaller_share_are_among_those_of_a_larger_one(reviews: Path) -> None:
    whole = load(str(reviews))
    halves = [take_share(whole, share, seed=1).parts["train"] for share in (0.25, 0.5)]
    assert set(halves[0]) < set(halves[1])


def test_a_comparison_that_was_stopped_goes_on_and_says_the_same(
    typed: Type, fits: Fits, line: Line, tmp_path: Path
) -> None:
    whole = document(typed(*line, "--out", tmp_path / "whole"))
    check_rows(whole, fits)
    fits.begun, fits.stop_at = [], 1
    out = tmp_path / "stopped"
    stopped = typed(*line, "--out", out)
    assert stopped.code == 130
    assert f"go on with the same command and --out {out}" in stopped.err
    kept = {path: path.read_bytes() for path in (out / "trials").iterdir()}
    assert len(kept) == 3  # both baselines and one strategy
    assert not (out / "result.json").exists()
    fits.stop_at = None
    went_on = document(typed(*line, "--out", out))
    assert len(fits.begun) == len(set(fits.begun)) == 8
    assert {path: path.read_bytes() for path in kept} == kept
    assert len(list((out / "trials").iterdir())) == 8 + 8
    assert untimed(went_on) == untimed(whole)
    assert sorted(path.name for path in out.iterdir()) == FILES
    again = document(typed(*line, "--out", out))
    assert again == went_on
    assert len(fits.begun) == 8


def test_a_table_is_printed_and_words_beside_it(
    typed: Type, reviews: Path, bert: Path, tmp_path: Path
) -> None:
    words = ("compare", reviews, "--backbone", bert, "--strategies", "head", "--seeds", 1)
    outcome = typed(*words, "--precision", "fp32", "--out", tmp_path / "c")
    assert outcome.code == 0, outcome.err
    heads, _, majority, classic, body = outcome.out.splitlines()
    assert majority.startswith("majority class")
    assert classic.startswith("TF-IDF of words + logistic regression")
    assert heads.split()[:4] == ["strategy", "labels", "rows", "accuracy"]
    assert body.split()[:4] == ["head", "100", "%", "216"]
    assert f"Page: {tmp_path / 'c' / 'compare.html'}" in outcome.err


MISTAKES: dict[str, tuple[Line, str]] = {
    "no such strategy": (("--strategies", "head,two-stag"), "try --strategies two-stage"),
    "no share at all": (("--fractions", "0"), "fractions = 0.0 cannot be used"),
    "more than all": (("--fractions", "0.5,2"), "fractions = 2.0 cannot be used"),
    "no seed": (("--seeds", "0"), "seeds = 0 cannot be used"),
    "no such reference": (("--against", "scrach"), "there is no strategy 'scrach'"),
    "a taken folder": (("--out", "taken"), "try --out taken-2"),
    "another comparison": (("--out", "begun", "--seeds", "2"), "seeds was 1, is 2"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    typed: Type,
    reviews: Path,
    bert: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mistake: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine").write_text("words")
    (tmp_path / "begun").mkdir()
    tables = '[compare]\nstrategies = ["head"]\nagainst = "head"\nseeds = 1\nfractions = [1.0]\n'
    (tmp_path / "begun" / "compare.toml").write_text(tables)
    before = sorted(tmp_path.rglob("*"))
    more, sentence = MISTAKES[mistake]
    outcome = typed("compare", reviews, "--backbone", bert, "--strategies", "head", *more)
    assert sentence in one_sentence(outcome, 2)
    assert sorted(tmp_path.rglob("*")) == before
