"""Tests what a session keeps: the best checkpoint, features at rest, time and patience."""

import time

import numpy as np
import pytest
import torch

from regraft.training.session import Session
from tests.tiny_sessions import Size, options, session

# Three validation rows; each epoch's logits put these rows right.
LABELS = np.array([0, 1, 1])


def logits(right: int, sure: float = 1.0) -> np.ndarray:
    """Returns (3, 2) logits with so many rows right, each as sure as the others."""
    side = np.where(np.arange(3) < right, LABELS, 1 - LABELS)
    return (sure * np.eye(2)[side]).astype(np.float32)


def fresh(val: int = 3) -> Session:
    made = session("image", size=Size(train=4, val=val))
    made.val = type(made.val)(made.val.rows, LABELS[:val])
    return made


def consider(made: Session, *epochs: np.ndarray) -> list[bool]:
    """Lets the session consider epochs, its weights marked with their number."""
    answers = []
    for number, found in enumerate(epochs, start=1):
        torch.nn.init.constant_(made.network.head.last.bias, number)
        answers.append(made.consider("tune", number, val_logits=found))
    return answers


def kept(made: Session) -> tuple[int, float]:
    """Returns the epoch of the best checkpoint, and the mark on its weights."""
    assert made.best is not None
    return made.best.epoch, float(made.best.state["head.layers.0.bias"][0])


def test_the_epoch_with_the_best_score_is_kept() -> None:
    made = fresh()
    assert consider(made, logits(1), logits(3), logits(2)) == [True, True, False]
    assert kept(made) == (2, 2.0)
    assert made.chosen_logits().tolist() == logits(3).tolist()


def test_a_tie_goes_to_the_lower_loss() -> None:
    made = fresh()
    assert consider(made, logits(2, 2.0), logits(2, 3.0), logits(2, 1.0)) == [True, False, True]
    assert kept(made) == (3, 3.0)


def test_a_complete_tie_keeps_the_earlier_epoch() -> None:
    made = fresh()
    assert consider(made, logits(2), logits(2)) == [True, False]
    assert kept(made) == (1, 1.0)


def test_without_validation_rows_the_last_epoch_is_kept() -> None:
    made = fresh(val=0)
    nothing = np.zeros((0, 2), np.float32)
    assert consider(made, nothing, nothing, nothing) == [True, True, True]
    assert kept(made) == (3, 3.0)


def test_logits_that_are_not_finite_lose_against_any_others() -> None:
    lost = np.full((3, 2), np.nan, np.float32)
    made = fresh()
    assert consider(made, lost, logits(0), lost) == [True, True, False]
    assert kept(made) == (2, 2.0)


def test_the_kept_weights_are_copies() -> None:
    made = fresh()
    consider(made, logits(3))
    torch.nn.init.constant_(made.network.head.last.bias, 9.0)
    assert kept(made) == (1, 1.0)


def test_features_are_computed_once_until_the_trunk_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    made = fresh()
    first = made.pooled("train")
    assert made.pooled("train") is first
    made.trunk_moved()
    again = made.pooled("train")
    assert again is not first
    assert np.array_equal(again, first)


def test_features_computed_elsewhere_are_taken_as_they_are() -> None:
    made = fresh()
    features = np.ones((3, 16), np.float32)
    made.keep_pooled("val", features)
    assert made.pooled("val") is features


def test_patience_counts_epochs_without_a_better_one() -> None:
    made = session("image", options(patience=2))
    assert [made.enough(n) for n in (0, 1, 2, 3)] == [False, False, True, True]
    assert not session("image").enough(99)


def test_a_deadline_that_has_passed_is_enough() -> None:
    assert session("image", options(deadline=0.0)).enough(0)


def test_an_epoch_that_would_end_after_the_deadline_is_not_begun() -> None:
    made = session("image", options(deadline=time.monotonic() + 1000))
    assert not made.enough(0, seconds=10)
    assert made.enough(0, seconds=2000)


def test_class_weights_are_tensors_or_nothing() -> None:
    weights = np.array([0.5, 2.0], np.float32)
    found = session("image", options(class_weights=weights)).weights()
    assert found is not None
    assert found.tolist() == [0.5, 2.0]
    assert session("image").weights() is None
