"""Tests that the texts of the measurement differ, and that its table reads growth rightly."""

import argparse
import os
from pathlib import Path

import pytest

from million import anonymous, blocks, changed, comparable, exponent, kind_of, table
from regraft.machine import processor_name

ROW = {"rows": 100, "anonymous_mb": 50.0, "seconds": 2.0, "cpu_seconds": 1.0}


def test_a_text_changes_from_turn_to_turn_and_not_in_the_first() -> None:
    text = "a film that moves"
    assert changed(text, 0) == text
    assert changed(text, 1) == "a that moves 1"
    assert len({changed(text, turn) for turn in range(50)}) == 50


def test_so_many_texts_are_made_as_were_asked_for(shared: Path) -> None:
    made = list(blocks(70_000))
    assert [len(block) for block in made] == [50_000, 20_000]
    assert set(made[1].column("label").to_pylist()) == {"negative", "positive"}


def test_memory_of_this_process_is_anonymous_when_it_is_no_file() -> None:
    before = anonymous(os.getpid())
    big = bytearray(b"1" * 50_000_000)
    assert anonymous(os.getpid()) - before > 0.9 * len(big)
    assert anonymous(2**30) == 0


def test_the_exponent_is_the_power_of_the_rows() -> None:
    more = {"rows": 1000, "anonymous_mb": 60.0, "seconds": 20.0, "cpu_seconds": 100.0}
    assert exponent(more, ROW, "seconds") == "1.00"
    assert exponent(more, ROW, "cpu_seconds") == "2.00"
    lines = table([more, ROW]).splitlines()
    assert [line.split()[0] for line in lines] == ["rows", "100", "1,000"]
    assert lines[2].split()[1:] == ["60", "1.20", "20.0", "1.00", "100.0", "2.00"]


def test_trials_of_this_machine_and_of_what_was_typed_are_comparable() -> None:
    typed = argparse.Namespace(width=96, suffix="csv", backbone="starter:minilm")
    here = {**kind_of(typed), "processor": processor_name(), **ROW}
    others = [{**here, "processor": "another"}, {**here, "table": "parquet"}]
    assert comparable([here, *others], typed) == [here]


def test_a_table_of_one_trial_has_nothing_to_compare() -> None:
    assert table([ROW]).splitlines()[1].split() == ["100", "50", "2.0", "1.0"]


@pytest.mark.parametrize("turn", range(1, 5))
def test_a_text_of_few_words_loses_none(turn: int) -> None:
    assert changed("so lovely", turn) == f"so lovely {turn}"
