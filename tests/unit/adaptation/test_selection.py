"""Tests the choice without target labels, and that the labels could not have helped."""

from dataclasses import replace

import numpy as np
import pytest

from regraft.adaptation.domains import Adapted, Domains
from regraft.adaptation.selection import Judged, Signs, choose, judge, signs_of, with_right
from regraft.adaptation.source_only import SourceOnly
from regraft.adaptation.standardise import Standardise
from regraft.adaptation.table import SOURCE_ONLY
from tests import two_domains

RIGHT = np.ones(10)
SIGNS = Signs(np.zeros(4, np.int64), 0.5, 0.1, 0.6, RIGHT, RIGHT)


def judged(name: str, information: float, reason: str = "") -> Judged:
    signs = replace(SIGNS, information=information)
    adapted = SourceOnly().adapt(given())
    return Judged(name, adapted, signs, objections={"narrow": reason})


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


def test_the_method_of_most_information_is_chosen() -> None:
    found = choose([judged(SOURCE_ONLY, 0.3), judged("mcc", 0.5), judged("mmd", 0.4)])
    assert (found.chosen.name, found.fell_back) == ("mcc", False)
    assert "+0.200 nats" in found.reason


def test_a_dropped_method_is_not_chosen_however_sure() -> None:
    found = choose([judged(SOURCE_ONLY, 0.3), judged("mcc", 0.9, "it is narrow"), judged("a", 0.4)])
    assert found.chosen.name == "a"


def test_source_only_is_kept_where_every_method_is_dropped_and_the_reasons_are_told() -> None:
    found = choose([judged(SOURCE_ONLY, 0.3), judged("mcc", 0.9, "it is narrow")])
    assert (found.chosen.name, found.fell_back) == (SOURCE_ONLY, True)
    assert found.reason.endswith("mcc: it is narrow")


def test_source_only_is_kept_where_nothing_makes_the_target_clearer() -> None:
    found = choose([judged(SOURCE_ONLY, 0.5), judged("mcc", 0.5), judged("mmd", 0.1)])
    assert (found.chosen.name, found.fell_back) == (SOURCE_ONLY, True)
    assert "the best is mcc" in found.reason


def test_a_method_asked_for_is_kept_if_no_guard_drops_it() -> None:
    found = choose([judged(SOURCE_ONLY, 0.5), judged("mcc", 0.1)])
    assert (found.chosen.name, found.fell_back) == ("mcc", False)


def test_source_only_alone_is_what_was_asked_for() -> None:
    found = choose([judged(SOURCE_ONLY, 0.5)])
    assert (found.chosen.name, found.fell_back) == (SOURCE_ONLY, False)


def with_rights(name: str, information: float, right: list[int], reason: str = "") -> Judged:
    return replace(judged(name, information, reason), right=np.array(right, bool))


def test_the_method_that_labelled_rows_clearly_prefer_is_chosen_whatever_its_information() -> None:
    start = with_rights(SOURCE_ONLY, 0.3, [0, 0, 0, 0, 1])
    sure, right = (
        with_rights("mcc", 0.9, [0, 0, 0, 1, 1]),
        with_rights("dann", 0.1, [1, 1, 1, 0, 1]),
    )
    found = choose([start, sure, right])
    assert found.chosen.name == "dann"
    assert (
        "right on 4 of 5 labelled target rows that it had not seen, source-only on 1"
        in found.reason
    )
    assert found.chosen.selection()["labelled_accuracy"] == pytest.approx(0.8)


def test_labelled_rows_that_cannot_tell_leave_the_choice_to_information() -> None:
    start = with_rights(SOURCE_ONLY, 0.3, [0, 0, 1])
    one_more, sure = with_rights("dann", 0.4, [0, 1, 1]), with_rights("mcc", 0.9, [0, 0, 1])
    assert choose([start, one_more, sure]).chosen.name == "mcc"


def test_a_dropped_method_is_not_chosen_however_right() -> None:
    start = with_rights(SOURCE_ONLY, 0.3, [0, 0, 0, 1])
    dropped = with_rights("dann", 0.4, [1, 1, 1, 1], "it is narrow")
    assert (
        choose([start, dropped, with_rights("mcc", 0.1, [0, 0, 0, 1])]).chosen.name == SOURCE_ONLY
    )


def test_what_labelled_rows_clearly_speak_against_is_dropped() -> None:
    start = with_rights(SOURCE_ONLY, 0.3, [1, 1, 1, 0])
    none, less = (np.array(right, bool) for right in ([0, 0, 0, 0], [0, 1, 1, 0]))
    dropped = with_right(judged("mcc", 0.4), none, start=start)
    told = "it is right on 0 of 4 labelled target rows, source-only on 3"
    assert dropped.objections == {"narrow": "", "mistaken": told}
    assert with_right(judged("mcc", 0.4), less, start=start).objections["mistaken"] == ""
    plain = judged("mcc", 0.4)
    assert with_right(plain, None, start=start) is plain
    assert "mistaken" not in with_right(judged(SOURCE_ONLY, 0.3), none, start=None).objections
