"""Tests that labelled target rows teach and judge, and never both at once."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from regraft.adaptation.domains import Adapted, Domains, Method
from regraft.adaptation.labelled import (
    FEW,
    NOBODY,
    chance,
    halves,
    judging_rows,
    right_answers,
    right_unseen,
    with_labelled,
)
from regraft.adaptation.table import METHODS, SOURCE_ONLY
from regraft.losses.cross_entropy import balanced_weights
from regraft.training.heads.probe import Labelled
from tests import two_domains

LEARNERS = sorted(METHODS.keys() - {SOURCE_ONLY})


def given(rows: int = 300) -> tuple[Domains, Labelled]:
    """Returns domains whose classes lie along another axis each, and labelled target rows."""
    target = two_domains.turned(rows, 5, by=np.pi / 2)
    return two_domains.domains(two_domains.turned(rows, 4, by=0.0), target), target


def first(rows: Labelled, count: int) -> Labelled:
    return Labelled(rows.features[:count], rows.labels[:count])


@dataclass
class Remembers:
    """A method that remembers which target rows it learnt from."""

    lent: list[set[bytes]] = field(default_factory=list)

    def adapt(self, domains: Domains) -> Adapted:
        rows = domains.source.features[domains.lent_rows]
        self.lent.append({row.tobytes() for row in rows})
        return Adapted(domains.start, domains.start)


def test_labelled_rows_stand_behind_the_source_s_own_each_several_times() -> None:
    domains, target = given(300)
    found = with_labelled(domains, first(target, 20))
    assert (found.lent, len(found.source.labels)) == (200, 500)
    assert np.array_equal(found.source.features[found.own], domains.source.features)
    assert np.array_equal(found.source.features[300:310], np.repeat(target.features[:1], 10, 0))
    assert np.array_equal(found.source.labels[found.lent_rows], np.repeat(target.labels[:20], 10))


def test_all_together_they_are_no_more_than_the_source_unless_they_are_many() -> None:
    domains, target = given(300)
    assert with_labelled(domains, first(target, 60)).lent == 300
    assert with_labelled(domains, first(target, 200)).lent == 200


def test_balanced_classes_are_balanced_by_the_rows_that_train_then() -> None:
    domains, target = given(300)
    some = Labelled(target.features[:20], np.ones(20, np.int64))
    assert with_labelled(domains, some).class_weights is None
    weighed = replace(domains, class_weights=balanced_weights(domains.source.labels, 2))
    found = with_labelled(weighed, some).class_weights
    assert found == pytest.approx(np.array([500 / (2 * 150), 500 / (2 * 350)]))


def test_without_labelled_rows_nothing_changes() -> None:
    domains, _ = given()
    assert with_labelled(domains, NOBODY) is domains
    assert (domains.own, domains.lent_rows) == (slice(0, 300), slice(300, None))


@pytest.mark.parametrize("name", LEARNERS)
def test_every_method_learns_from_labelled_target_rows(name: str) -> None:
    domains, target = given()
    method = METHODS[name]()
    assert two_domains.accuracy(method.adapt(domains), target) < 0.65
    taught = method.adapt(with_labelled(domains, first(target, 20)))
    assert two_domains.accuracy(taught, target) > 0.75


def test_few_rows_judge_each_half_by_the_other_and_many_by_a_half_held_out() -> None:
    pairs = [(a.tolist(), b.tolist()) for a, b in halves(5)]
    assert pairs == [([0, 2, 4], [1, 3]), ([1, 3], [0, 2, 4])]
    assert [(a.tolist(), b.tolist()) for a, b in halves(1)] == [([], [0])]
    (learnt, held), *others = halves(FEW)
    assert (len(learnt), len(held), others) == (50, 50, [])
    assert [judging_rows(count) for count in (1, 5, FEW - 1, FEW)] == [1, 5, FEW - 1, 50]


def test_one_half_judges_what_is_trained_once() -> None:
    (learnt, held), *others = halves(9, once=True)
    assert (learnt.tolist(), held.tolist(), others) == ([0, 2, 4, 6, 8], [1, 3, 5, 7], [])
    assert [judging_rows(count, once=True) for count in (0, 1, 9, FEW)] == [0, 1, 4, 50]
    domains, target = given()
    known = first(target, 40)
    found, all_of_them = (
        right_unseen(domains.start, known=known, once=once) for once in (True, False)
    )
    assert found is not None
    assert all_of_them is not None
    assert np.array_equal(found, all_of_them[:20])


@pytest.mark.parametrize("count", [1, 9, FEW])
def test_no_row_judges_a_method_that_has_learnt_from_it(count: int) -> None:
    domains, target = given()
    known, method = first(target, count), Remembers()
    found = right_answers(method, domains, known=known)
    held = [{known.features[row].tobytes() for row in rows} for _, rows in halves(count)]
    assert len(method.lent) == len(held)
    for learnt, judged in zip(method.lent, held, strict=True):
        assert judged
        assert not learnt & judged
    assert found is not None
    assert len(found) == judging_rows(count)


def test_answers_are_right_where_they_are_the_label() -> None:
    domains, target = given()
    method: Method = METHODS[SOURCE_ONLY]()
    known = first(target, 40)
    found = right_answers(method, domains, known=known)
    assert found is not None
    said = domains.start.logits(target.features[:40]).argmax(1) == target.labels[:40]
    order = np.concatenate([rows for _, rows in halves(40)])
    assert np.array_equal(found, said[order])
    unseen = right_unseen(domains.start, known=known)
    assert unseen is not None
    assert np.array_equal(unseen, found)
    assert right_answers(method, domains, known=NOBODY) is None
    assert right_unseen(domains.start, known=NOBODY) is None


def test_a_lead_is_as_likely_as_the_tosses_of_a_coin() -> None:
    some, none = np.array([True, True, False, False]), np.array([False, False, True, False])
    # Two heads or more of three tosses, and one or more.
    assert chance(some, none) == pytest.approx(4 / 8)
    assert chance(none, some) == pytest.approx(7 / 8)
    assert chance(some, some) == 1.0
    many = np.arange(3000) % 3 == 0
    assert 0 < chance(~many, many) < 1e-50
