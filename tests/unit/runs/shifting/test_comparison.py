"""Comparisons: no shift, other proportions, other texts."""

from dataclasses import replace

import numpy as np

from regraft.runs.shifting.comparison import compare_domains
from tests import tiny
from tests.unit.runs.shifting.conftest import Gather


def same_place(rows: range, *, positive: float = 0.5) -> tuple[list[str], list[str]]:
    """Returns toy texts of other numbers, with a share of positive ones."""
    texts, labels = (each[rows.start : rows.stop] for each in tiny.toy_texts(rows.stop))
    both = list(zip(texts, labels, strict=True))
    good = [pair for pair in both if pair[1] == "pos"]
    bad = [pair for pair in both if pair[1] == "neg"]
    kept = [*good, *bad[: round(len(good) * (1 - positive) / positive)]]
    return [text for text, _ in kept], [label for _, label in kept]


def test_texts_of_another_kind_are_a_shift_of_more_than_proportions(gathered: Gather) -> None:
    found = compare_domains(gathered()[2], seed=0)
    assert found.told.shift
    assert not found.only_proportions
    assert 0 <= found.estimate.accuracy.low <= found.estimate.accuracy.high <= 1


def test_where_features_are_equal_only_proportions_can_differ(gathered: Gather) -> None:
    _, _, made = gathered()
    generator = np.random.default_rng(0)
    classes = made.labels
    # The target: the source's own rows of class 1, and a few of class 0, a little moved.
    rows = np.concatenate([np.flatnonzero(classes == 1), np.flatnonzero(classes == 0)[:35]])
    noise = 1e-3 * generator.standard_normal(made.source.features[rows].shape)
    features = (made.source.features[rows] + noise).astype(np.float32)
    keys = generator.integers(0, 256, size=(len(rows), 16)).astype(np.uint8)
    target = replace(made.target, features=features, keys=keys)
    found = compare_domains(replace(made, target=target), seed=0)
    assert found.told.shift
    assert found.priors.differ
    assert found.priors.target[1].low > 0.6
    assert found.evened is not None
    assert found.only_proportions


def test_without_a_shift_nothing_is_evened(gathered: Gather) -> None:
    texts = same_place(range(240, 320))
    found = compare_domains(gathered(target=texts)[2], seed=0)
    assert found.evened is None
    assert not found.only_proportions
