"""Tests the linear classifier of rows that have weights."""

import numpy as np
import pytest

from regraft.adaptation.numbers import NotFiniteError
from regraft.adaptation.solver import balanced_rows, joined, solve
from regraft.training.heads.probe import ABSENT, Labelled, fit_probe
from tests import two_domains


@pytest.mark.parametrize("classes", [2, 3])
def test_without_weights_it_is_the_linear_probe(classes: int) -> None:
    rows = two_domains.two_classes(80, 0) if classes == 2 else two_domains.wide(80, 0)
    probe = fit_probe(rows, classes)
    scaled = (rows.features - probe.shift) * probe.scale
    weight, bias = solve(Labelled(scaled, rows.labels), classes, strength=probe.strength)
    assert weight == pytest.approx(probe.weight, abs=1e-5)
    assert bias == pytest.approx(probe.bias, abs=1e-5)


def test_a_row_without_weight_is_not_there() -> None:
    rows = two_domains.two_classes(60, 0)
    weights = np.ones(60, np.float32)
    weights[40:] = 0
    left_out = Labelled(rows.features[:40], rows.labels[:40])
    found = solve(rows, 2, strength=1.0, weights=weights)
    expected = solve(left_out, 2, strength=1.0)
    assert found[0] == pytest.approx(expected[0], abs=2e-2)


def test_a_class_without_rows_is_never_predicted() -> None:
    rows = two_domains.two_classes(60, 0)
    weight, bias = solve(rows, 3, strength=1.0)
    assert bias[2] == ABSENT
    assert set((rows.features @ weight.T + bias).argmax(axis=1)) == {0, 1}


def test_rows_of_one_class_are_answered_with_it() -> None:
    rows = Labelled(np.ones((4, 2), np.float32), np.ones(4, np.int64))
    weight, bias = solve(rows, 2, strength=1.0)
    assert (weight == 0).all()
    assert bias.argmax() == 1


def test_many_classes_of_few_rows_are_no_warning() -> None:
    labels = np.arange(30, dtype=np.int64) % 20
    features = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)
    assert solve(Labelled(features, labels), 20, strength=1.0)[0].shape == (20, 4)


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_features_that_are_no_finite_numbers_are_refused(odd: float) -> None:
    rows = two_domains.two_classes(20, 0)
    rows.features[3, 1] = odd
    with pytest.raises(NotFiniteError):
        solve(rows, 2, strength=1.0)


def test_rows_take_the_weight_of_their_class() -> None:
    labels = np.array([0, 1, 1])
    assert balanced_rows(labels, np.array([2.0, 0.5], np.float32)).tolist() == [2.0, 0.5, 0.5]
    assert balanced_rows(labels, None).tolist() == [1.0, 1.0, 1.0]


def test_rows_are_joined_in_order() -> None:
    rows = two_domains.two_classes(5, 0)
    both = joined(rows, Labelled(rows.features[:2], rows.labels[:2]))
    assert len(both.labels) == 7
    assert np.array_equal(both.features[5:], rows.features[:2])
