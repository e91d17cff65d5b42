"""Tests that the page of performance can be made, from whatever was measured."""

import shutil
from pathlib import Path

import pytest

import performance
from marks import Trial, add_trial, read_trials

COST = {"processor": "here", "rows": 32, "tokens": 128, "top": 7}


def write_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    page = folder / "page.md"
    shutil.copy(performance.PAGE, page)
    monkeypatch.setattr("sys.argv", ["", "--write", str(page), "--folder", str(folder)])
    performance.main()
    return page.read_text(encoding="utf-8")


def test_the_committed_page_is_the_one_that_the_trials_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in performance.FILES:
        for trial in read_trials(performance.BENCH / f"{name}.jsonl"):
            add_trial(tmp_path / f"{name}.jsonl", trial)
    made = write_page(tmp_path, monkeypatch)
    assert made == performance.PAGE.read_text(encoding="utf-8")


def test_nothing_is_shown_of_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step: Trial = {**COST, "what": "step", "line": 2, "seconds": 0.125}
    for trial in (step, {**step, "processor": "there", "seconds": 0.5}):
        add_trial(tmp_path / "cost.jsonl", trial)
    made = write_page(tmp_path, monkeypatch)
    assert "| 128 | 2 of 7 |  | 500 ms |  |" in made
    assert "125 ms" not in made
    assert "Processor: there" in made
    assert made.count(performance.ABSENT) == 7


def test_what_the_probe_would_not_keep_is_marked() -> None:
    step: Trial = {**COST, "line": 2, "seconds": 0.5}
    cost = [
        {**step, "what": "step"},
        {**step, "what": "step from the disk", "read": False, "seconds": 0.25},
    ]
    made = performance.frozen_table({"cost": cost})
    assert made.splitlines()[-1] == "| 128 | 2 of 7 |  | 500 ms | 250 ms (not kept) |"


def test_views_are_shown_with_their_range() -> None:
    trials = [
        {"views": views, "epochs": 10, "accuracy": right, "seconds": 100.0}
        for views in (2, None)
        for right in (0.8, 0.9, 0.85)
    ]
    lines = performance.views_table({"views": trials}).splitlines()
    assert lines[-2:] == [
        "| 2 | 10 | 3 | 0.850 (0.800–0.900) | 100 (100–100) |",
        "| another one each epoch | 10 | 3 | 0.850 (0.800–0.900) | 100 (100–100) |",
    ]


def test_a_million_rows_stand_beside_the_fewer_ones_of_the_same_network() -> None:
    fewer: Trial = {"backbone": "a", "table": "csv", "rows": 100, "anonymous_mb": 50.0}
    trials = [
        {**fewer, "rows": 1000, "anonymous_mb": 60.0, "seconds": 20.0},
        {**fewer, "seconds": 2.0},
        {**fewer, "backbone": "b", "seconds": 3.0},
    ]
    assert performance.million_table({"million": trials}).splitlines()[2:] == [
        "| a | csv | 100 | 50 |  | 2 |  |",
        "| a | csv | 1,000 | 60 | 1.20 | 20 | 1.00 |",
        "| b | csv | 100 | 50 |  | 3 |  |",
    ]


def test_what_compiling_gains_is_held_against_what_it_took() -> None:
    quick = {"step": 0.5, "compiled": 0.4, "compiling": 30.0}
    slow = {"step": 0.5, "compiled": 0.5, "compiling": 30.0}
    made = performance.compiled_table({"compiled": [{"seconds": {"a": quick, "b": slow}}]})
    assert made.splitlines()[2:] == [
        "| a | 500 ms | 400 ms | 30 s | 300 steps |",
        "| b | 500 ms | 500 ms | 30 s | never |",
    ]
