"""Tests the tables that benches make from their trials, and that each page has its marks."""

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import budget
import few
import few_texts
import overfit
import promises
import results
import strategies
import worked
from marks import marks_of, read_trials
from promise_parts import geometric
from tests.house.source import ROOT

SCRIPTS = (
    "budget",
    "worked",
    "few",
    "few_texts",
    "overfit",
    "promises",
    "sequential",
    "strategies",
)
MACHINE = {"processor": "P", "threads": 2, "torch": "2", "precision": "fp32"}


def score(value: float, half: float = 0.02) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_says_what_it_does(script: str) -> None:
    words = [sys.executable, str(ROOT / "bench" / f"{script}.py"), "--help"]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert "--seeds" in done.stdout
    assert "--write" in done.stdout


@pytest.mark.parametrize(
    ("page", "commands"),
    [
        (
            "strategies.md",
            [f"python bench/{s}.py" for s in SCRIPTS if s not in ("worked", "promises")],
        ),
        ("promises.md", [f"python bench/promises.py {number}" for number in (1, 2, 3, 4)]),
        *(
            (f"{name}.md", ["python bench/worked.py"])
            for name in ("imdb", "cifar10", "imdb.zh", "cifar10.zh")
        ),
    ],
)
def test_a_page_has_the_marks_of_its_commands_once(page: str, commands: list[str]) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert all(text.count(mark) == 1 for command in commands for mark in marks_of(command))


@pytest.mark.parametrize(
    ("script", "page"),
    [
        *((s, "docs/strategies.md") for s in SCRIPTS if s not in ("worked", "promises")),
        *((script, "docs/adaptation.md") for script in ("adaptation", "shift")),
        *(("results", page) for page in ("README.md", "README.zh.md")),
        ("threshold", "docs/freezing.md"),
    ],
)
def test_a_committed_table_is_the_one_that_the_trials_make(
    script: str, page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "page.md"
    copy.write_bytes((ROOT / page).read_bytes())
    monkeypatch.setattr(sys, "argv", [script, "--write", str(copy)])
    importlib.import_module(script).main()
    assert copy.read_text(encoding="utf-8") == (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize(("page", "language"), worked.PAGES)
def test_a_committed_example_is_the_one_that_the_trials_make(page: str, language: str) -> None:
    name = f"{page}.md" if language == "en" else f"{page}.{language}.md"
    made = worked.page_text(page, language, read_trials(ROOT / "bench" / "worked.jsonl"))
    assert f"\n\n{made}\n\n" in (ROOT / "docs" / name).read_text(encoding="utf-8")


def example_trial(seed: int, accuracy: float) -> dict[str, Any]:
    record = {"phase": "tune", "epoch": 1, "epochs": 2, "train_loss": 0.4, "train_accuracy": None}
    record |= {"val_loss": 0.3, "val_accuracy": 0.91, "seconds": 12.34}
    test = {"accuracy": score(accuracy), "log_loss": score(0.25)}
    return {
        "setting": "imdb-hour",
        "seed": seed,
        "scores": {"test": test},
        "wall": 100.0 + seed,
        "trained_share": 1.0,
        "history": [record],
        "best": {"phase": "tune", "epoch": 1},
        "baselines": {"classic": score(0.9)},
        "environment": MACHINE,
    }


def test_an_example_that_was_not_run_says_so_in_both_languages() -> None:
    for language, words in (("en", "not measured"), ("zh", "尚未测量")):
        text = worked.page_text("imdb", language, [])
        assert text.count(words) == 3


def test_an_example_has_its_range_its_baseline_and_its_epochs() -> None:
    text = worked.page_text("imdb", "en", [example_trial(0, 0.90), example_trial(1, 0.92)])
    assert "0.910 (0.900–0.920)" in text
    assert "| 100–101 | 100 % |" in text
    assert "classic 0.900 (0.880–0.920)" in text
    assert "| tune | **1/2** | 0.400 |  | 0.300 | 0.910 | 12.3 |" in text
    assert text.count("not measured") == 2


def test_each_network_has_its_own_probe_and_what_needs_none_stands_once() -> None:
    trials = [example_trial(0, 0.90), {**example_trial(0, 0.88), "setting": "imdb-head"}]
    for trial, probe in zip(trials, (0.7, 0.8), strict=True):
        trial["baselines"] = {"classic": score(0.9), "linear_probe": score(probe)}
    text = worked.page_text("imdb", "en", trials)
    assert text.count("classic 0.900") == 1
    assert "linear probe (two steps, within the hour) 0.700" in text
    assert "linear probe (the article's: the output layer alone) 0.800" in text


def test_the_greatest_score_of_a_line_is_bold() -> None:
    ways = {"classic": {"accuracy": score(0.9)}, "linear_probe": {"accuracy": score(0.85)}}
    trial: dict[str, Any] = {
        "name": "films",
        "baselines": ways,
        "scores": {"test": {"accuracy": score(0.9)}},
    }
    trial |= {"trained_share": 1.0, "seconds": {"total": 9.0}, "environment": MACHINE}
    line = results.table([trial]).splitlines()[2]
    assert line.count("**0.900 (0.880–0.920)**") == 2
    assert "| 0.850 (0.830–0.870) |" in line


def way(name: str, value: float, gap: float | None) -> dict[str, Any]:
    found = None if gap is None else score(gap)
    return {"name": name, "accuracy": score(value), "difference": found, "seconds": 3.0}


def compared(scratch: float, auto: float) -> dict[str, Any]:
    ways = [
        way("two-stage", 0.8, None),
        way("scratch", 0.8 + scratch, scratch),
        way("head", 0.7, -0.1),
    ]
    beside = {"beside": "full", **score(auto)}
    name = strategies.DATA[0].name
    return {
        "data": name,
        "ways": ways,
        "seeds": 3,
        "minutes": 12.0,
        "auto": beside,
        "environment": MACHINE,
    }


@pytest.mark.parametrize(
    ("scratch", "auto", "words"),
    [
        (-0.1, 0.0, ("is clearly below `two-stage`", "is not below `full`")),
        (-0.01, -0.05, ("is NOT clearly below `two-stage`", "is clearly below `full`")),
    ],
)
def test_what_is_asked_of_the_strategies_is_said(
    scratch: float, auto: float, words: tuple[str, str]
) -> None:
    text = strategies.page_text([compared(scratch, auto)])
    assert all(each in text for each in words)
    assert "took 12 minutes" in text
    assert "Seconds of a trial:" in text
    busy = strategies.page_text([{**compared(scratch, auto), "shared": True}])
    assert "seconds are not told" in busy
    assert "Seconds of a trial" not in busy


def test_the_gain_is_seen_from_the_fine_tuned_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promises, "PICTURES", tmp_path / "pictures")
    text = promises.better([compared(-0.1, 0.0)])
    assert "| +10.0 (+8.0 to +12.0) | +10.0 (+8.0 to +12.0) |" in text
    assert (tmp_path / "pictures" / "promise-1.svg").read_bytes().startswith(b"<svg")
    assert "No gain" not in text
    assert "No gain beyond chance over: scratch on" in promises.better([compared(-0.01, 0.0)])


def test_rows_needed_are_a_mean_of_logarithms_or_say_why_not() -> None:
    assert round(geometric([100, 400])["value"]) == 200
    found = [{"rows": 100.0, "at_most": False}, {"rows": 400.0, "at_most": False}]
    assert promises._rows(found).startswith("200 (")
    assert (
        promises._rows([*found, {"rows": None, "at_most": False}]) == "not reached in 1 of 3 seeds"
    )


def few_trial(who: str, seed: int, accuracy: float, wall: float) -> dict[str, Any]:
    return {"data": "bbc-news", "who": who, "seed": seed, "accuracy": accuracy, "wall": wall}


def test_few_labels_are_paired_by_seed() -> None:
    known = [few_trial("setfit", seed, 0.8 + 0.1 * seed, 60.0) for seed in (0, 1)]
    known += [few_trial("contrastive", seed, 0.81 + 0.1 * seed, 20.0) for seed in (0, 1)]
    text = few.page_text(known)
    assert "| bbc-news | contrastive | 2 | 0.860 (0.810–0.910) | +1.0 ± 0.0 | 20 | 0.33 |" in text


def few_texts_trial(way: str, seed: int, accuracy: float) -> dict[str, Any]:
    own = {"data": "bbc-news", "rows": 200, "way": way, "seed": seed, "environment": MACHINE}
    return {**own, "accuracy": accuracy, "log_loss": 0.5, "train_seconds": 30.0}


def test_steps_of_other_sizes_are_paired_by_seed() -> None:
    known = [few_texts_trial("32 rows", seed, 0.8 + 0.1 * seed) for seed in (0, 1)]
    known += [few_texts_trial("as by default", seed, 0.82 + 0.1 * seed) for seed in (0, 1)]
    text = few_texts.page_text(known)
    assert "| bbc-news | 200 | 32 rows | 2 | 0.850 (0.800–0.900) |  | 30 |" in text
    assert "| bbc-news | 200 | as by default | 2 | 0.870 (0.820–0.920) | +2.0 ± 0.0 | 30 |" in text
    assert "All pairs, as by default: +2.0 ± 0.0 points." in text
    halfway = few_texts.page_text(known[:2])
    assert "All pairs" not in halfway
    assert "| bbc-news | 200 | as by default | 0 |  |  |  |" in halfway
    assert few_texts.page_text([]) == "Not measured."


def overfit_trial(strategy: str, train: float, test: float) -> dict[str, Any]:
    both = {
        part: {"accuracy": a, "log_loss": 1 - a} for part, a in (("train", train), ("test", test))
    }
    return {"task": "text", "strategy": strategy, "seed": 0, **both, "environment": MACHINE}


def test_a_gap_is_what_training_rows_have_more() -> None:
    assert overfit.gap(overfit_trial("full", 1.0, 0.7), "accuracy") == pytest.approx(0.3)
    assert overfit.gap(overfit_trial("full", 1.0, 0.7), "log_loss") == pytest.approx(0.3)
    known = [overfit_trial("full", 1.0, 0.7), overfit_trial("decay", 0.9, 0.8)]
    assert "| -20.0 | +10.0 | -0.200 |" in overfit.page_text(known)


def test_a_limit_counts_both_lives_of_a_killed_run() -> None:
    key = {"limit": 60, "data": "text", "strategy": "two-stage", "seed": 0, "environment": MACHINE}
    known = [
        {**key, "way": "whole", "lives": [62.0]},
        {**key, "way": "killed", "lives": [30.0, 34.0]},
    ]
    text = budget.page_text(known)
    assert "| 62.0 | 103 % | yes |" in text
    assert "| 64.0 | 107 % | no |" in text
    assert "1 of 2 kept" in text
