"""Agreement of twins: high where the source's rule holds, chance where it does not."""

import numpy as np
import pytest

from regraft.adaptation.shifting.agreement import (
    PAIRS,
    agreement,
    held_out_agreement,
    scaled_agreement,
)
from regraft.adaptation.shifting.held_out import Recipe
from regraft.training.heads.probe import Labelled

RECIPE = Recipe(2, 0.1)


def many_features(rows: int, seed: int, *, signal: float = 1.0) -> Labelled:
    """Returns (N, 40) features, each of which speaks a little for the class."""
    generator = np.random.default_rng(seed)
    labels = (np.arange(rows) % 2).astype(np.int64)
    centres = 0.5 * signal * (2.0 * labels - 1)
    noise = generator.standard_normal((rows, 40))
    return Labelled((centres[:, None] + noise).astype(np.float32), labels)


def test_each_row_is_agreed_on_by_a_share_of_the_pairs() -> None:
    found = agreement(many_features(100, 0), many_features(30, 1).features, recipe=RECIPE, seed=0)
    assert found.shape == (30,)
    assert set((found * PAIRS).tolist()) <= set(range(PAIRS + 1))


@pytest.mark.parametrize(("signal", "low", "high"), [(1.0, 0.93, 1.0), (0.0, 0.35, 0.65)])
def test_twins_agree_as_far_as_there_is_something_to_see(
    signal: float, low: float, high: float
) -> None:
    asked = many_features(200, 1, signal=signal)
    found = agreement(many_features(300, 0), asked.features, recipe=RECIPE, seed=0).mean()
    assert low <= found <= high


def test_the_answer_depends_on_the_seed_alone() -> None:
    rows, asked = many_features(100, 0), many_features(30, 1, signal=0.2).features
    found = [agreement(rows, asked, recipe=RECIPE, seed=seed) for seed in (3, 3, 4)]
    assert (found[0] == found[1]).all()
    assert (found[0] != found[2]).any()


def test_one_feature_is_enough() -> None:
    rows = many_features(50, 0)
    one = Labelled(rows.features[:, :1], rows.labels)
    assert (agreement(one, one.features, recipe=RECIPE, seed=0) >= 0).all()


def test_rows_that_are_left_out_are_agreed_on_like_new_ones() -> None:
    rows = many_features(400, 0, signal=0.3)
    asked = many_features(400, 1, signal=0.3).features
    found = held_out_agreement(rows, RECIPE, folds=np.arange(400) // 2 % 5, seed=0).mean()
    fresh = agreement(rows, asked, recipe=RECIPE, seed=0).mean()
    assert found == pytest.approx(fresh, abs=0.05)
    learnt = agreement(rows, rows.features, recipe=RECIPE, seed=0).mean()
    assert learnt > found + 0.03


def test_agreement_is_scaled_by_what_it_is_on_the_source() -> None:
    right = np.array([True, True, True, False])
    known = np.array([1.0, 0.5, 0.5, 0.4])
    assert scaled_agreement(right, known, asked=known) == pytest.approx(0.75)
    assert scaled_agreement(right, known, asked=known / 2) == pytest.approx(0.375)
    assert scaled_agreement(right, known, asked=np.ones(3)) == 1
    assert scaled_agreement(right, np.zeros(4), asked=np.zeros(3)) == 0
