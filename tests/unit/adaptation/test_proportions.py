"""Tests estimates of class proportions where only these differ, and where more does."""

import numpy as np
import numpy.typing as npt
import pytest

from regraft.adaptation.proportions import (
    black_box,
    both_estimates,
    bounded,
    estimate_proportions,
    proportions_at,
    saerens,
    temperature,
    unweighted,
)
from regraft.scoring.metrics import softmax
from regraft.training.heads.probe import ABSENT, Labelled, fit_probe
from tests import two_domains

HALVES = np.array([0.5, 0.5])


def unsure(rows: int, seed: int, *, positive: float) -> Labelled:
    """Returns two classes that overlap."""
    made = two_domains.two_classes(rows, seed, positive=positive)
    noise = np.random.default_rng(seed + 50).standard_normal((rows, 2)) * 0.9
    return Labelled((made.features + noise).astype(np.float32), made.labels)


def logits(positive: float) -> tuple[npt.NDArray[np.float32], Labelled, npt.NDArray[np.float32]]:
    source, val = unsure(1000, 0, positive=0.5), unsure(1000, 1, positive=0.5)
    probe = fit_probe(source, 2)
    target = unsure(1000, 2, positive=positive)
    return probe.logits(val.features), val, probe.logits(target.features)


@pytest.mark.parametrize("positive", [0.35, 0.5, 0.7])
def test_shares_of_a_target_of_other_proportions_are_found(positive: float) -> None:
    known, val, asked = logits(positive)
    found = estimate_proportions(known, val.labels, target_logits=asked, shares=HALVES)
    assert found.sum() == pytest.approx(1.0)
    assert found[1] == pytest.approx(positive, abs=0.06)


def test_an_extreme_share_is_held_at_the_bound() -> None:
    known, val, asked = logits(0.97)
    found = estimate_proportions(known, val.labels, target_logits=asked, shares=HALVES)
    assert found == pytest.approx([0.25, 0.75], abs=1e-6)


def test_where_nothing_bounds_them_extreme_shares_are_found() -> None:
    known, val, asked = logits(0.97)
    heat = temperature(known, val.labels)
    found = proportions_at(heat, known, val_labels=val.labels, target_logits=asked, shares=HALVES)
    assert found[1] == pytest.approx(0.97, abs=0.04)


def test_shares_are_held_within_all_bounds_at_once() -> None:
    shares = np.array([0.9, 0.05, 0.05])
    found = bounded(np.array([0.2, 0.4, 0.4]), shares)
    assert found == pytest.approx([0.8, 0.1, 0.1])
    assert bounded(shares, shares) == pytest.approx(shares)


def test_a_classifier_with_weighted_classes_is_read_as_one_without() -> None:
    source, val = unsure(4000, 0, positive=0.1), unsure(2000, 1, positive=0.1)
    weights = np.array([0.5 / 0.9, 0.5 / 0.1], np.float32)
    shares = np.array([0.9, 0.1])
    target = unsure(2000, 2, positive=0.2)
    found = []
    for each in (None, weights):
        probe = fit_probe(source, 2, weights=each)
        known, asked = (unweighted(probe.logits(rows.features), each) for rows in (val, target))
        found.append(estimate_proportions(known, val.labels, target_logits=asked, shares=shares))
    assert found[1] == pytest.approx(found[0], abs=0.04)
    assert found[1][1] == pytest.approx(0.2, abs=0.05)


def test_estimates_that_contradict_each_other_are_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from regraft.adaptation import proportions

    monkeypatch.setattr(proportions, "saerens", lambda *_: np.array([0.9, 0.1]))
    known, val, asked = logits(0.7)
    found = estimate_proportions(known, val.labels, target_logits=asked, shares=HALVES)
    assert found == pytest.approx(HALVES)


def test_the_fixed_point_of_two_certain_rows_is_their_share() -> None:
    sure = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    assert saerens(sure, HALVES) == pytest.approx([0.75, 0.25], abs=1e-4)


def test_the_black_box_solves_its_two_equations_by_hand() -> None:
    # Of class 0 three in four are found, of class 1 all; 5 of 8 target rows are said to be 0:
    # 3/4 q + 0 (1 − q) = 5/8, so q = 5/6.
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    said = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    target = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    found = black_box(said, labels, target_predicted=target, shares=HALVES)
    assert found == pytest.approx([5 / 6, 1 / 6])


def test_equations_of_no_use_give_the_source_s_shares() -> None:
    none = np.zeros(0, np.int64)
    found = black_box(none, none, target_predicted=np.array([0, 1]), shares=HALVES)
    assert found == pytest.approx(HALVES)


def test_logits_that_are_too_sure_get_a_temperature_above_one() -> None:
    known, val, _ = logits(0.5)
    right = temperature(known, val.labels)
    assert temperature(known * np.float32(4), val.labels) == pytest.approx(4 * right, rel=0.1)
    assert softmax(known).shape == (1000, 2)


def test_both_estimates_are_near_the_truth_where_only_proportions_differ() -> None:
    known, val, asked = logits(0.7)
    heat = temperature(known, val.labels)
    found = both_estimates(heat, known, val_labels=val.labels, target_logits=asked, shares=HALVES)
    assert found[0] == pytest.approx([0.3, 0.7], abs=0.06)
    assert found[1] == pytest.approx([0.3, 0.7], abs=0.06)


@pytest.mark.parametrize("weights", [None, np.array([0.5, 1.5, 3.0], np.float32)])
def test_rows_of_a_class_that_was_not_learnt_leave_the_temperature_alone(
    weights: npt.NDArray[np.float32] | None,
) -> None:
    known, val, _ = logits(0.5)
    wider = np.hstack([known, np.full((len(known), 1), ABSENT, np.float32)])
    labels = np.where(np.arange(len(known)) < 20, 2, val.labels)
    found = temperature(unweighted(wider, weights), labels)
    assert found == temperature(unweighted(wider[20:], weights), val.labels[20:])


def test_where_no_class_was_learnt_all_rows_count() -> None:
    none = np.full((4, 2), ABSENT, np.float32)
    assert np.isfinite(temperature(none, np.array([0, 1, 0, 1])))
