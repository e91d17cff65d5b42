"""Tests the choice without target labels, and that the labels could not have helped."""

from dataclasses import replace

import numpy as np
import pytest

from regraft.adaptation.decision import NEAR, choose, with_right
from regraft.adaptation.domains import Domains
from regraft.adaptation.selection import Judged, Signs
from regraft.adaptation.source_only import SourceOnly
from regraft.adaptation.table import SOURCE_ONLY
from tests import two_domains

RIGHT = np.ones(100)
SIGNS = Signs(np.zeros(4, np.int64), 0.5, 0.1, 0.6, RIGHT, RIGHT)


def judged(name: str, information: float, reason: str = "") -> Judged:
    signs = replace(SIGNS, information=information)
    adapted = SourceOnly().adapt(given())
    return Judged(name, adapted, signs, objections={"narrow": reason})


def given() -> Domains:
    return two_domains.domains(two_domains.two_classes(300, 0), two_domains.moved(300))


def test_the_method_of_most_information_is_chosen() -> None:
    found = choose([judged(SOURCE_ONLY, 0.3), judged("mcc", 0.5), judged("mmd", 0.4)])
    assert (found.chosen.name, found.fell_back) == ("mcc", False)
    assert "+0.200 nats" in found.reason


def test_clear_answers_that_do_not_teach_the_source_s_classes_are_not_chosen() -> None:
    start, sure, sound = judged(SOURCE_ONLY, 0.3), judged("gaussian", 0.9), judged("coral", 0.5)

    def taught(share: float) -> Judged:
        right = (np.arange(100) < 100 * share).astype(np.float64)
        return replace(sure, signs=replace(sure.signs, reverse_right=right))

    assert choose([start, taught(1 - NEAR - 0.02), sound]).chosen.name == "coral"
    assert choose([start, taught(1 - NEAR + 0.02), sound]).chosen.name == "gaussian"


def test_what_a_guard_drops_is_not_the_measure_of_the_others() -> None:
    start, poor = judged(SOURCE_ONLY, 0.3), judged("mcc", 0.5)
    poor = replace(poor, signs=replace(poor.signs, reverse_right=np.zeros(100)))
    assert choose([start, poor, judged("shot", 0.9, "it is narrow")]).chosen.name == "mcc"


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
    start = with_rights(SOURCE_ONLY, 0.3, [*[0] * 9, 1])
    sure, right = (
        with_rights("mcc", 0.9, [*[0] * 8, 1, 1]),
        with_rights("dann", 0.1, [*[1] * 8, 0, 1]),
    )
    found = choose([start, sure, right])
    assert found.chosen.name == "dann"
    assert (
        "right on 9 of 10 labelled target rows that it had not seen, source-only on 1"
        in found.reason
    )
    assert found.chosen.selection()["labelled_accuracy"] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("wins", "others", "told"), [(2, 12, 0), (7, 12, 0), (9, 12, 1), (7, 3, 1)]
)
def test_the_more_methods_are_compared_the_more_rows_must_prefer_one(
    wins: int, others: int, told: bool
) -> None:
    """Of thirteen that are alike one is two rows of ten ahead, sooner or later."""
    start = with_rights(SOURCE_ONLY, 0.3, [0] * 10)
    lucky = with_rights("dann", 0.1, [int(row < wins) for row in range(10)])
    rest = [with_rights(f"mcc:weight={n}", 0.9, [0] * 10) for n in range(others)]
    assert (choose([start, *rest, lucky]).chosen.name == "dann") is bool(told)
    dropped = with_right(
        replace(start, name="vae"), start.right, start=lucky, compared=len(rest) + 1
    )
    assert bool(dropped.objections["mistaken"]) is bool(told)


def test_labelled_rows_that_cannot_tell_leave_the_choice_to_information() -> None:
    start = with_rights(SOURCE_ONLY, 0.3, [0, 0, 1])
    one_more, sure = with_rights("dann", 0.4, [0, 1, 1]), with_rights("mcc", 0.9, [0, 0, 1])
    assert choose([start, one_more, sure]).chosen.name == "mcc"


def test_a_dropped_method_is_not_chosen_however_right() -> None:
    start = with_rights(SOURCE_ONLY, 0.3, [0] * 10)
    dropped, alike = with_rights("dann", 0.4, [1] * 10, "it is narrow"), [0] * 10
    assert choose([start, dropped, with_rights("mcc", 0.1, alike)]).chosen.name == SOURCE_ONLY


def test_what_labelled_rows_clearly_speak_against_is_dropped() -> None:
    start = with_rights(SOURCE_ONLY, 0.3, [1, 1, 1, 1, 1, 0])
    none, less = (np.array(right, bool) for right in ([0] * 6, [0, 0, 0, 0, 1, 0]))
    dropped = with_right(judged("mcc", 0.4), none, start=start)
    told = "it is right on 0 of 6 labelled target rows, source-only on 5"
    assert dropped.objections == {"narrow": "", "mistaken": told}
    assert with_right(judged("mcc", 0.4), less, start=start).objections["mistaken"] == ""
    plain = judged("mcc", 0.4)
    assert with_right(plain, None, start=start) is plain
    assert "mistaken" not in with_right(judged(SOURCE_ONLY, 0.3), none, start=None).objections


def test_methods_that_diverged_are_named_and_are_no_choice() -> None:
    found = choose([judged(SOURCE_ONLY, 0.5)], lost=["dann:rate=9", "cdan"])
    assert (found.chosen.name, found.fell_back) == (SOURCE_ONLY, True)
    assert found.reason == "source-only is kept, as dann:rate=9 and cdan diverged"


def test_what_is_left_of_several_is_kept_only_if_it_would_be_chosen() -> None:
    start = judged(SOURCE_ONLY, 0.5)
    found = choose([start, judged("mcc", 0.4)], lost=["dann:rate=9"])
    assert (found.chosen.name, found.fell_back) == (SOURCE_ONLY, True)
    assert choose([start, judged("mcc", 0.6)], lost=["dann:rate=9"]).chosen.name == "mcc"


def test_a_clearer_method_that_was_not_compared_is_named() -> None:
    start, clear, sound = judged(SOURCE_ONLY, 0.5), judged("mcc", 0.9), judged("coral", 0.4)
    clear = replace(clear, signs=replace(clear.signs, reverse_right=np.zeros(100)))
    found = choose([start, clear, sound])
    assert found.chosen.name == SOURCE_ONLY
    assert "(mcc is clearer, but teaches the source's classes less: 0.000 right)" in found.reason
