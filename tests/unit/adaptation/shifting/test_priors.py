"""Shares of classes in the target: intervals that hold the truth, and a source drawn alike."""

import numpy as np
import pytest

from regraft.adaptation import proportions
from regraft.adaptation.shifting.held_out import Known
from regraft.adaptation.shifting.priors import estimate_priors, rows_with_shares
from regraft.training.heads.probe import Features

EQUAL = np.array([0.5, 0.5])


def answers(rows: int, seed: int, *, positive: float) -> tuple[Features, np.ndarray]:
    """Returns logits that are calibrated for equal shares, and labels."""
    generator = np.random.default_rng(seed)
    labels = (np.arange(rows) < positive * rows).astype(np.int64)
    seen = 1.5 * (2 * labels - 1) + generator.standard_normal(rows)
    return np.stack([-1.5 * seen, 1.5 * seen], axis=1).astype(np.float32), labels


@pytest.mark.parametrize("positive", [0.5, 0.7, 0.35])
def test_the_interval_holds_the_share(positive: float) -> None:
    known = Known(*answers(600, 0, positive=0.5))
    asked, _ = answers(800, 1, positive=positive)
    found = estimate_priors(known, asked, shares=EQUAL, seed=0)
    assert found.target[1].low <= positive <= found.target[1].high
    assert found.target[1].high - found.target[1].low < 0.2
    assert found.values.sum() == pytest.approx(1)
    assert found.differ == (positive != 0.5)


def test_the_source_is_drawn_in_the_shares_asked_for() -> None:
    labels = np.repeat(np.array([0, 1, 2]), [50, 30, 20])
    rows = rows_with_shares(labels, np.array([0.2, 0.4, 0.4]), seed=0)
    assert np.bincount(labels[rows]).tolist() == [10, 20, 20]
    assert len(set(rows.tolist())) == len(rows)


def test_a_class_without_rows_is_passed_over() -> None:
    labels = np.array([0, 0, 0, 2])
    rows = rows_with_shares(labels, np.array([0.25, 0.5, 0.25]), seed=0)
    assert np.bincount(labels[rows]).tolist() == [1, 0, 1]


def test_estimates_that_contradict_each_other_leave_the_share_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proportions, "saerens", lambda *_: np.array([0.9, 0.1]))
    known = Known(*answers(600, 0, positive=0.5))
    asked, _ = answers(800, 1, positive=0.7)
    found = estimate_priors(known, asked, shares=EQUAL, seed=0)
    assert found.values == pytest.approx(EQUAL)
    assert found.target[1].low == pytest.approx(0.1)
    assert found.target[1].high == pytest.approx(0.7, abs=0.06)
    assert not found.differ
    assert not found.known


def test_estimates_that_agree_are_known() -> None:
    asked, _ = answers(800, 1, positive=0.5)
    found = estimate_priors(Known(*answers(600, 0, positive=0.5)), asked, shares=EQUAL, seed=0)
    assert found.known


def test_the_interval_narrows_with_the_root_of_the_rows() -> None:
    widths = []
    for rows in (2000, 32000):
        known, asked = Known(*answers(rows, 0, positive=0.5)), answers(rows, 1, positive=0.5)[0]
        share = estimate_priors(known, asked, shares=EQUAL, seed=0).target[1]
        widths.append(share.high - share.low)
    # More rows than are drawn at a time: sixteen times as many make a quarter of the width.
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.3)
