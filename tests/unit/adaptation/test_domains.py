"""Tests what is known of two domains before anything is adapted."""

from dataclasses import replace

import numpy as np
import pytest

from regraft.adaptation.domains import shares_of
from regraft.adaptation.labelled import with_labelled
from regraft.losses.cross_entropy import balanced_weights
from regraft.training.heads.probe import Labelled
from tests import two_domains


def test_row_weights_give_the_source_the_target_s_proportions() -> None:
    source = two_domains.two_classes(100, 0, positive=0.25)
    wished = np.array([0.4, 0.6])
    given = two_domains.domains(source, two_domains.moved(20), proportions=wished)
    weights = given.row_weights
    assert weights.mean() == pytest.approx(1.0)
    found = [weights[source.labels == k].sum() / weights.sum() for k in (0, 1)]
    assert found == pytest.approx([0.4, 0.6])


def test_equal_proportions_leave_every_row_its_weight() -> None:
    given = two_domains.domains(two_domains.two_classes(40, 0), two_domains.moved(20))
    assert given.row_weights == pytest.approx(np.ones(40))


def test_the_training_rows_judge_where_there_are_no_others() -> None:
    given = two_domains.domains(two_domains.two_classes(40, 0), two_domains.moved(20))
    assert given.judging is given.source
    val = Labelled(given.source.features[:4], given.source.labels[:4])
    assert type(given)(given.source, val, given.target, given.start, given.proportions).judging is (
        val
    )
    assert given.classes == 2


def test_shares_of_no_rows_are_zero() -> None:
    assert shares_of(np.zeros(0, np.int64), classes=2).tolist() == [0.0, 0.0]


def test_labelled_target_rows_do_not_change_the_proportions_of_the_source() -> None:
    wanted = np.array([0.2, 0.8])
    plain = two_domains.domains(
        two_domains.two_classes(200, 0), two_domains.moved(100), proportions=wanted
    )
    rows = two_domains.two_classes(20, 3)
    one = np.flatnonzero(rows.labels == 1)
    known = with_labelled(plain, Labelled(rows.features[one], rows.labels[one]))
    assert known.lent > 0
    weights, labels = known.row_weights[known.own], known.source.labels[known.own]
    found = np.array([weights[labels == number].sum() for number in (0, 1)]) / weights.sum()
    assert found == pytest.approx(wanted, abs=1e-5)


def test_balanced_classes_count_the_same_among_rows_drawn_in_the_target_s_proportions() -> None:
    source, wished = two_domains.two_classes(100, 0, positive=0.25), np.array([0.4, 0.6])
    plain = two_domains.domains(source, two_domains.moved(20), proportions=wished)
    assert plain.drawn_weights is None
    assert plain.weights_of(source.labels) is None
    given = replace(plain, class_weights=balanced_weights(source.labels, 2))
    assert given.drawn_weights == pytest.approx(1 / (2 * wished))
    assert given.weights_of(source.labels) == pytest.approx(given.class_weights)
    # Ten lent rows of class 1, each ten times, come beside 100 drawn ones.
    rows = two_domains.two_classes(10, 3, positive=1.0)
    known = with_labelled(given, rows)
    assert known.drawn_weights == pytest.approx(np.array([200 / 80, 200 / 320]))
