"""Tests what a classifier shows of itself without any label of the target."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from regraft.adaptation import selection
from regraft.adaptation.domains import Adapted, Domains
from regraft.adaptation.selection import information_of, judge, signs_of
from regraft.adaptation.solver import solve
from regraft.adaptation.source_only import SourceOnly
from regraft.adaptation.standardise import Standardise
from regraft.adaptation.table import SOURCE_ONLY
from tests import two_domains


def given() -> Domains:
    return two_domains.domains(two_domains.two_classes(300, 0), two_domains.moved(300))


def turned(adapted: Adapted, *, by: int) -> Adapted:
    """Returns the classifier with its classes in other places."""
    probe = adapted.on_target
    weight, bias = np.roll(probe.weight, by, axis=0), np.roll(probe.bias, by)
    return replace(adapted, on_target=replace(probe, weight=weight, bias=bias))


def test_a_classifier_that_finds_the_classes_has_more_information() -> None:
    domains = given()
    blind, seeing = (signs_of(m.adapt(domains), domains) for m in (SourceOnly(), Standardise()))
    assert seeing.information > blind.information
    assert seeing.reverse_accuracy > 0.9
    assert seeing.source_accuracy == pytest.approx(blind.source_accuracy)
    assert 0 <= seeing.entropy <= np.log(2)


def test_a_louder_classifier_has_no_more_information() -> None:
    domains = given()
    adapted = Standardise().adapt(domains)
    probe = adapted.on_target
    loud = replace(probe, weight=probe.weight * 9, bias=probe.bias * 9)
    quiet, shouting = (signs_of(a, domains) for a in (adapted, replace(adapted, on_target=loud)))
    assert shouting.information == quiet.information
    assert shouting.entropy < quiet.entropy


def test_source_only_is_judged_by_no_guard() -> None:
    found = judge(SOURCE_ONLY, SourceOnly().adapt(given()), domains=given(), start=None)
    assert found.objections == {}
    assert found.selection().keys() == {
        *("information", "entropy", "marginal_entropy", "source_accuracy"),
        *("reverse_accuracy", "agreement"),
    }


def test_guards_drop_a_classifier_whose_classes_changed_places() -> None:
    domains = given()
    adapted = Standardise().adapt(domains)
    start = signs_of(adapted, domains)
    found = judge("turned", turned(adapted, by=1), domains=domains, start=start, seconds=1.5)
    assert found.objections["stranger"]
    assert found.objections["one_way"]
    assert found.agreement < 0
    assert found.seconds == 1.5


def test_both_halves_know_a_class_that_is_answered_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    domains, learnt = given(), []

    def seen(rows: Any, classes: int, *, strength: float) -> Any:
        learnt.append(set(rows.labels.tolist()))
        return solve(rows, classes, strength=strength)

    monkeypatch.setattr(selection, "solve", seen)
    for second in range(1, 9):
        predicted = np.zeros(300, np.int64)
        predicted[[0, second]] = 1
        information_of(predicted, domains)
    assert all(classes == {0, 1} for classes in learnt)


def test_an_answer_that_nothing_could_repeat_costs_no_more_than_one_never_seen() -> None:
    domains = given()
    predicted = np.zeros(300, np.int64)
    predicted[7] = 1
    information, _ = information_of(predicted, domains)
    marginal = -(np.log(1 / 300) + 299 * np.log(299 / 300)) / 300
    # Of 150 rows learnt none has the answer: 1 / (2 * 150 + 2) of a probability.
    assert marginal - information < 1.5 * np.log(302) / 300
