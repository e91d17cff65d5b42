"""Tests that each guard is silent on a sound classifier and fires on one made to collapse."""

from dataclasses import replace

import numpy as np
import pytest

from regraft.adaptation.domains import shares_of
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
from regraft.adaptation.proportions import estimate_proportions
from regraft.adaptation.selection import judge
from regraft.adaptation.table import METHODS, SOURCE_ONLY
from regraft.training.heads.probe import Labelled
from tests import two_domains

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


def fired(method: str, target: Labelled, source: Labelled, val: Labelled) -> set[str]:
    """Returns the guards that drop a method on features, the proportions estimated as in a run."""
    plain = two_domains.domains(source, target)
    shares = estimate_proportions(
        plain.start.logits(val.features),
        val.labels,
        target_logits=plain.start.logits(target.features),
        shares=shares_of(source.labels, classes=plain.classes),
    )
    domains = replace(plain, val=val, proportions=shares)
    start = judge(SOURCE_ONLY, METHODS[SOURCE_ONLY]().adapt(domains), domains=domains, start=None)
    adapted = METHODS[method]().adapt(domains)
    found = judge(method, adapted, domains=domains, start=start.signs)
    return {name for name, reason in found.objections.items() if reason}


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("reweight", two_domains.wide(180, 9), set()),
        # Nearly all rows are of one class, of which no two thirds are believed.
        ("reweight", two_domains.wide(180, 9, counts=(30, 1, 1)), {"narrow", "stranger"}),
        ("standardise", two_domains.wide(180, 9, counts=(30, 1, 1)), {"stranger"}),
        # A class of the source is not there at all.
        (
            "reweight",
            two_domains.wide(180, 9, counts=(1, 1, 0), noise=0.2),
            {"narrow", "empty_class"},
        ),
    ],
)
def test_guards_fire_on_features_whose_classes_are_others_than_expected(
    method: str, target: Labelled, expected: set[str]
) -> None:
    assert fired(method, target, two_domains.wide(240, 0), two_domains.wide(120, 5)) == expected


def test_a_guard_fires_where_what_tells_the_classes_apart_is_not_in_the_target() -> None:
    source, val = (two_domains.turned(rows, seed, by=0.0) for rows, seed in ((240, 0), (120, 5)))
    target = two_domains.turned(180, 9, by=np.pi / 2)
    assert fired("coral-recolour", target, source, val) == {"one_way"}
