"""Telling two domains apart: rare false alarms, whatever is equal, and shifts that are found."""

import math

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from regraft.adaptation.shifting.two_sample import (
    FEWEST,
    FOLDS,
    LEVEL,
    RIDGE,
    Sample,
    _folds,
    _permuted,
    _ridge,
    two_sample,
)


def sample(features: np.ndarray, first_key: int = 0) -> Sample:
    """Returns rows of which no two have the same content."""
    numbers = np.arange(first_key, first_key + len(features), dtype=np.uint32)
    return Sample(features.astype(np.float32), numbers[:, None].view(np.uint8))


def drawn(rows: int, seed: int, *, by: float = 0.0) -> Sample:
    generator = np.random.default_rng(seed)
    return sample(generator.standard_normal((rows, 6)) + by, seed * 10_000)


def test_equal_distributions_are_hardly_ever_called_a_shift() -> None:
    found = [two_sample(drawn(80, 2 * i), drawn(80, 2 * i + 1), seed=i) for i in range(60)]
    assert sum(each.shift for each in found) <= 4
    assert 0.35 < np.mean([each.p_value for each in found]) < 0.65


@pytest.mark.parametrize("rows", [(80, 80), (400, 60)])
def test_a_shift_is_found(rows: tuple[int, int]) -> None:
    found = two_sample(drawn(rows[0], 1), drawn(rows[1], 2, by=0.8), seed=0)
    assert found.shift
    assert found.p_value == 1 / 500
    assert found.accuracy.low > 0.6
    assert found.rows == min(rows)


def test_the_same_rows_in_both_domains_are_no_shift() -> None:
    rows = drawn(60, 3)
    found = two_sample(rows, rows.take(np.arange(60)[::-1]), seed=0)
    assert found.accuracy.value == 0.5
    assert found.p_value == 1


def test_rows_that_come_again_and_again_are_not_learnt_by_heart() -> None:
    features = np.random.default_rng(4).standard_normal((40, 100))
    again = np.repeat(np.arange(20), 10)
    first, second = sample(features[:20]), sample(features[20:], 20)
    found = two_sample(first.take(again), second.take(again), seed=0)
    assert found.rows == 20
    assert not found.shift
    # Told apart as if they were different rows, they would be a shift.
    naive = (sample(features[:20][again]), sample(features[20:][again], 500))
    assert two_sample(*naive, seed=0).shift


def test_the_answer_depends_on_the_seed_alone() -> None:
    pair = drawn(50, 5), drawn(50, 6, by=0.2)
    first, second = (two_sample(*pair, seed=1) for _ in range(2))
    assert first.accuracy == second.accuracy
    assert (first.chance == second.chance).all()


def test_rows_of_both_domains_share_a_fold_and_all_folds_are_balanced() -> None:
    first = np.arange(53, dtype=np.uint8)[:, None]
    second = np.arange(40, 93, dtype=np.uint8)[:, None]
    folds, shared = _folds(first, second)
    assert shared.sum() == 2 * 13
    assert (folds[40:53] == folds[53:66]).all()
    counts = [np.bincount(half, minlength=FOLDS) for half in np.split(folds, 2)]
    assert (counts[0] == counts[1]).all()


def test_a_permutation_stays_in_its_fold_and_leaves_what_both_have() -> None:
    folds, shared = _folds(*(np.arange(i, i + 40, dtype=np.uint8)[:, None] for i in (0, 30)))
    names = np.repeat([-1.0, 1.0], 40)
    found = _permuted(names, folds, shared, np.random.default_rng(0))
    assert (found[shared] == names[shared]).all()
    assert (found != names).any()
    assert all(found[folds == fold].sum() == 0 for fold in range(FOLDS))


@pytest.mark.parametrize("width", [5, 60])
def test_ridge_regression_is_that_of_scikit_learn(width: int) -> None:
    generator = np.random.default_rng(width)
    rows, asked = generator.standard_normal((30, width)), generator.standard_normal((7, width))
    names = np.sign(generator.standard_normal((30, 2)))
    oracle = Ridge(alpha=RIDGE * 30, fit_intercept=False).fit(rows, names)
    assert _ridge(rows, names, asked=asked) == pytest.approx(oracle.predict(asked), abs=1e-9)


def test_of_fewer_rows_no_permutation_is_rare_enough() -> None:
    for rows, able in ((FEWEST - 1, False), (FEWEST, True)):
        folds = [len(range(fold, rows, FOLDS)) for fold in range(FOLDS)]
        names = math.prod(math.comb(2 * count, count) for count in folds)
        assert (2 / names <= LEVEL) is able
        # Rows that come again are the same rows.
        again = np.arange(40) % rows
        pair = (drawn(rows, 1).take(again), drawn(rows, 2, by=9.0).take(again))
        found = two_sample(*pair, seed=0)
        assert (found.rows, found.enough) == (rows, able)
        assert able or not found.shift


def repeated(rows: int, seed: int) -> Sample:
    """Returns rows of 400 contents, some of which come far more often than others."""
    often = 1 / np.arange(1, 401) ** 1.2
    contents = np.random.default_rng(7).standard_normal((400, 6))
    contents[:, 0] = np.arange(400) / 100
    drawn = np.random.default_rng(seed).choice(400, size=rows, p=often / often.sum())
    return sample(contents).take(drawn)


def test_repeated_contents_in_samples_of_other_sizes_are_no_shift() -> None:
    pairs = [(repeated(20_000, 2 * i), repeated(300, 2 * i + 1)) for i in range(8)]
    found = [two_sample(*pair, seed=i) for i, pair in enumerate(pairs)]
    assert sum(each.shift for each in found) <= 1
    turned = [two_sample(second, first, seed=0).shift for first, second in pairs]
    assert sum(turned) <= 1
