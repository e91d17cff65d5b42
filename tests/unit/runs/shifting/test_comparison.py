"""Comparisons: no shift, other proportions, other texts."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from regraft.adaptation.shifting.priors import Priors
from regraft.runs.shifting import comparison
from regraft.runs.shifting.comparison import compare_domains
from regraft.runs.shifting.gathered import Gathered
from regraft.scoring.intervals import Score
from tests import tiny
from tests.unit.runs.shifting.conftest import Gather

Indices = npt.NDArray[np.int64]


def of_class(labels: Indices, rows: Indices, number: int) -> Indices:
    return np.asarray(rows[labels[rows] == number])


def test_texts_of_another_kind_are_a_shift_of_more_than_proportions(gathered: Gather) -> None:
    found = compare_domains(gathered()[2], seed=0)
    assert found.told.shift
    assert not found.only_proportions
    assert 0 <= found.estimate.accuracy.low <= found.estimate.accuracy.high <= 1


def in_other_shares(made: Gathered, ones: int, noughts: int) -> Gathered:
    """Returns two halves of the source: so many of class 1 here, and of class 0 there."""
    rows = np.arange(len(made.labels))
    first, second = rows[rows // 2 % 2 == 0], rows[rows // 2 % 2 == 1]
    here = np.concatenate([of_class(made.labels, first, 0), of_class(made.labels, first, 1)[:ones]])
    there = np.concatenate(
        [of_class(made.labels, second, 0)[:noughts], of_class(made.labels, second, 1)]
    )
    return replace(
        made,
        source=made.source.take(here),
        labels=made.labels[here],
        target=made.source.take(there),
    )


def test_where_features_are_equal_only_proportions_can_differ(gathered: Gather) -> None:
    # Of the source three of ten are of class 1, of the target six.
    found = compare_domains(in_other_shares(gathered(600)[2], 58, 90), seed=0)
    assert found.told.shift
    assert found.priors.differ
    assert found.priors.target[1].low > 0.4
    assert found.evened is not None
    assert found.tested
    assert found.only_proportions


def test_too_few_rows_of_those_that_told_the_shift_say_nothing_of_proportions(
    gathered: Gather,
) -> None:
    # Of the source one in six is of class 1, of the target four in five: few rows can be evened.
    found = compare_domains(in_other_shares(gathered(1200)[2], 48, 60), seed=0)
    assert found.told.shift
    assert found.priors.differ
    assert found.evened is None
    assert not found.tested
    assert not found.only_proportions


@pytest.mark.parametrize(
    ("rows", "by", "tested"), [(600, 5.0, True), (60, 5.0, False), (600, 0.0, False)]
)
def test_where_no_class_has_another_share_a_shift_is_of_more_than_proportions(
    gathered: Gather, rows: int, by: float, tested: bool
) -> None:
    made = gathered(600)[2]
    halves = in_other_shares(replace(made, labels=made.labels[:rows]), rows, rows)
    # Where the classifier does not look: it answers as before.
    way = np.random.default_rng(0).standard_normal(made.source.features.shape[1])
    seen = np.linalg.qr(made.start.weight.T.astype(np.float64))[0]
    aside = (way - seen @ (seen.T @ way)) / made.start.scale
    features = (halves.target.features + by * aside).astype(np.float32)
    moved = replace(halves.target, features=features)
    found = compare_domains(replace(halves, target=moved), seed=0)
    assert found.told.shift is (by > 0)
    assert not found.priors.differ
    assert found.evened is None
    assert found.tested is tested
    assert not found.only_proportions


def test_estimates_that_contradict_each_other_say_nothing_of_proportions(
    gathered: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = gathered(600)[2]
    moved = replace(made.target, features=made.target.features + 5)
    contradicted = Priors(np.array([0.5, 0.5]), (Score(0.5, 0, 1), Score(0.5, 0, 1)), known=False)
    monkeypatch.setattr(comparison, "estimate_priors", lambda *_, **__: contradicted)
    found = compare_domains(replace(made, target=moved), seed=0)
    assert found.told.shift
    assert not found.priors.differ
    assert not found.tested


def test_without_a_shift_nothing_is_evened(gathered: Gather) -> None:
    texts, labels = tiny.toy_texts(320)
    found = compare_domains(gathered(target=(texts[240:], labels[240:]))[2], seed=0)
    assert found.evened is None
    assert not found.only_proportions
