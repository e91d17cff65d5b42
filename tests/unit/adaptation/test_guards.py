"""Tests that each guard is silent on a sound classifier and fires on one made to collapse."""

from dataclasses import replace

import numpy as np
import pytest

from regraft.adaptation.guards import (
    GUARDS,
    Evidence,
    empty_class,
    entropy,
    falls,
    forgetful,
    kappa,
    narrow,
    objections,
    one_way,
    stranger,
)

THIRDS = np.full(3, 1 / 3)
LABELS = np.arange(90) % 3


def rights(right: int, rows: int = 1000) -> np.ndarray:
    """Returns 1 for the first rows, 0 for the others."""
    return (np.arange(rows) < right).astype(np.float64)


SOUND = Evidence(
    LABELS, LABELS, THIRDS, THIRDS, (rights(900), rights(900)), (rights(800), rights(800))
)


def collapsed(to: int, share: float) -> np.ndarray:
    """Returns the labels with a share of the rows answered alike."""
    return np.where(np.arange(90) < share * 90, to, LABELS)


def test_nothing_is_said_against_a_sound_classifier() -> None:
    assert objections(SOUND) == dict.fromkeys(GUARDS, "")


def test_answers_spread_over_far_fewer_classes_are_narrow() -> None:
    assert "nats" in narrow(replace(SOUND, predicted=collapsed(1, 0.9)))
    assert narrow(replace(SOUND, predicted=collapsed(1, 0.3))) == ""


def test_few_answers_of_a_class_are_no_wonder_where_few_are_expected() -> None:
    skewed = np.array([0.05, 0.9, 0.05])
    evidence = replace(SOUND, predicted=collapsed(1, 0.85), proportions=skewed)
    assert narrow(evidence) == ""


def test_a_class_that_is_never_answered_is_missed() -> None:
    predicted = np.where(LABELS == 2, 0, LABELS)
    assert empty_class(replace(SOUND, predicted=predicted)) == (
        "it never answers with 1 of 3 classes"
    )
    rare = np.array([0.49, 0.49, 0.02])
    assert empty_class(replace(SOUND, predicted=predicted, proportions=rare)) == ""


def test_classes_that_changed_places_are_strange() -> None:
    assert "kappa" in stranger(replace(SOUND, predicted=(LABELS + 1) % 3))


def test_where_source_only_has_collapsed_nobody_is_a_stranger() -> None:
    fallen = replace(SOUND, start=np.where(np.arange(90) < 88, 0, LABELS))
    assert stranger(fallen) == ""
    missing = replace(SOUND, start=np.where(LABELS == 2, 1, LABELS), predicted=(LABELS + 1) % 3)
    assert stranger(missing) == ""
    nothing = replace(fallen, reverse_right=(rights(360), rights(350)))
    assert "source-only has collapsed on the target" in stranger(nothing)


def test_a_lost_source_is_told_with_both_numbers() -> None:
    words = forgetful(replace(SOUND, source_right=(rights(800), rights(900))))
    assert words == "its accuracy on source rows fell from 0.900 to 0.800"
    assert forgetful(replace(SOUND, source_right=(rights(860), rights(900)))) == ""


def test_few_rows_must_fall_further_by_what_chance_can_do() -> None:
    # Of 20 rows two are lost, a tenth: the error of a tenth is .067 there.
    assert forgetful(replace(SOUND, source_right=(rights(16, 20), rights(18, 20)))) == ""
    assert forgetful(replace(SOUND, source_right=(rights(9, 20), rights(18, 20)))) != ""
    assert falls(rights(180, 200), rights(200, 200), allowed=0.05)
    assert not falls(rights(9, 10), rights(10, 10), allowed=0.05)


def test_rows_won_and_rows_lost_are_reckoned_against_each_other() -> None:
    before = rights(500)
    assert not falls(1 - before, before, allowed=0.0)


def test_answers_that_teach_nothing_of_the_source_are_one_way() -> None:
    assert "before 0.800" in one_way(replace(SOUND, reverse_right=(rights(700), rights(800))))
    assert one_way(replace(SOUND, reverse_right=(rights(780), rights(800)))) == ""


def test_entropy_leaves_out_what_never_happens() -> None:
    assert entropy(np.array([1.0, 0.0])) == 0.0
    assert entropy(THIRDS) == pytest.approx(np.log(3))


def test_kappa_is_one_for_equal_answers_and_nought_by_chance() -> None:
    assert kappa(LABELS, LABELS, classes=3) == 1.0
    halves = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert kappa(*halves, classes=2) == 0.0
    alike = np.zeros(4, np.int64)
    assert kappa(alike, alike, classes=2) == 1.0
