"""Tests folds: keys never part, classes are spread, order does not matter."""

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regraft.training.batching.folds import (
    FOLDS,
    assign_folds,
    mean_records,
    passes,
    shared_epochs,
    until,
)
from regraft.training.phase import Phase
from regraft.training.progress import EpochRecord

ROWS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), min_size=1, max_size=120)


def folds_of(rows: list[tuple[int, int]]) -> np.ndarray:
    return assign_folds([f"k{key}" for key, _ in rows], np.array([label for _, label in rows]))


@given(ROWS)
def test_rows_of_one_key_share_a_fold(rows: list[tuple[int, int]]) -> None:
    found = folds_of(rows)
    by_key: dict[int, set[int]] = {}
    for (key, _), fold in zip(rows, found.tolist(), strict=True):
        by_key.setdefault(key, set()).add(fold)
    assert all(len(folds) == 1 for folds in by_key.values())


@given(ROWS, st.randoms(use_true_random=False))
def test_the_folds_do_not_depend_on_the_order_of_the_rows(
    rows: list[tuple[int, int]], chance: Random
) -> None:
    order = list(range(len(rows)))
    chance.shuffle(order)
    assert folds_of([rows[i] for i in order]).tolist() == folds_of(rows)[order].tolist()


def test_each_class_is_spread_over_all_folds() -> None:
    labels = np.repeat([0, 1, 2], [50, 13, 7])
    found = assign_folds([str(i) for i in range(70)], labels)
    for label, rows in enumerate([50, 13, 7]):
        counts = np.bincount(found[labels == label], minlength=FOLDS)
        assert counts.max() - counts.min() <= 1
        assert counts.sum() == rows


def test_many_classes_of_few_rows_fill_all_folds_alike() -> None:
    labels = np.repeat(np.arange(10), 2)
    found = assign_folds([str(i) for i in range(20)], labels)
    assert np.bincount(found).tolist() == [4] * FOLDS


def test_half_a_character_can_be_a_key() -> None:
    assert assign_folds(["\ud800", "a"], np.array([0, 0])).tolist() in ([0, 1], [1, 0])


def seen(*epochs: tuple[str, int]) -> list[EpochRecord]:
    """Returns records of a phase's epochs; a head is of no use while pairs are learnt."""
    usual: dict[str, Any] = dict.fromkeys(
        ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "seconds", "rows_per_second"),
        0.5,
    )
    return [
        EpochRecord(
            **usual,
            phase=phase,
            epoch=epoch,
            epochs=3,
            rate=0.1,
            best=False,
            scored=phase != "pairs",
        )
        for phase, epoch in epochs
    ]


def test_folds_are_compared_by_the_same_epochs_of_the_same_phases() -> None:
    whole = seen(("pairs", 1), ("pairs", 2), ("stage 1", 1), ("stage 1", 2), ("stage 2", 1))
    short = seen(("pairs", 1), ("stage 1", 1), ("stage 2", 1))
    assert shared_epochs([whole, short]) == [("stage 1", 1), ("stage 2", 1)]
    assert passes([whole, short]) == {"pairs": 1, "stage 1": 1, "stage 2": 1}
    assert passes([whole, seen(("stage 1", 1))]) == {"stage 1": 1}


def test_the_folds_records_are_averaged_and_their_seconds_added() -> None:
    reached = ("pairs", 1), ("tune", 1), ("tune", 2)
    one, other = seen(*reached, ("tune", 3)), seen(*reached)
    other = [replace(each, val_accuracy=1.0, train_loss=0.1, seconds=2.5) for each in other]
    found = mean_records([one, other], 1)
    assert [(r.phase, r.epoch, r.best) for r in found] == [("tune", 1, False), ("tune", 2, True)]
    assert [r.val_accuracy for r in found] == [0.75, 0.75]
    assert [r.train_loss for r in found] == pytest.approx([0.3, 0.3])
    assert [r.seconds for r in found] == [3.0, 3.0]


def test_phases_stop_after_the_chosen_epoch_with_the_schedule_unchanged() -> None:
    phases = [Phase(name, 0, 5, 0.1, (0.1,)) for name in ("head", "tune", "more")]
    found = until(phases, ("tune", 2), reached={"head": 5, "tune": 4})
    assert found == [phases[0], replace(phases[1], stop_after=2)]
    assert found[1].epochs == 5
    cut = until(phases, ("more", 1), reached={"head": 5, "tune": 3})
    assert [phase.stop_after for phase in cut] == [None, 3, 1]
