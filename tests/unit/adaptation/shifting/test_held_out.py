"""Answers to rows that were left out: never learnt from, and made by the recipe."""

import numpy as np
import pytest

from regraft.adaptation.shifting.held_out import Known, Recipe, confidences, held_out, picked
from regraft.training.heads.probe import Labelled, solve_probe
from tests.two_domains import two_classes, wide

RECIPE = Recipe(2, 0.01)


def test_a_recipe_makes_the_linear_probe() -> None:
    rows = wide(120, 0)
    mine, probe = Recipe(3, 0.01).fit(rows), solve_probe(rows, 3, strength=0.01)
    assert mine.logits(rows.features) == pytest.approx(probe.logits(rows.features), abs=1e-3)


def test_class_weights_move_the_classifier_to_the_rare_class() -> None:
    rows = two_classes(200, 0, positive=0.1)
    plain = Recipe(2, 0.001).fit(rows).logits(rows.features).argmax(axis=1)
    fair = Recipe(2, 0.001, np.array([0.5, 5.0], np.float32)).fit(rows)
    assert fair.logits(rows.features).argmax(axis=1).sum() > plain.sum()


def test_no_row_is_answered_by_a_classifier_that_has_learnt_it() -> None:
    generator = np.random.default_rng(0)
    rows = Labelled(
        generator.standard_normal((60, 200)).astype(np.float32), np.arange(60, dtype=np.int64) % 2
    )
    assert (RECIPE.fit(rows).logits(rows.features).argmax(axis=1) == rows.labels).all()
    assert held_out(rows, RECIPE, folds=np.arange(60) // 2 % 5).right.mean() < 0.75


def test_what_is_right_and_how_hot_it_is() -> None:
    known = Known(np.array([[9.0, 0], [0, 9], [9, 0]], np.float32), np.array([0, 1, 1]))
    assert known.right.tolist() == [True, True, False]
    assert known.temperature > 1
    cool = confidences(known.logits, known.temperature).max(axis=1).mean()
    assert cool == pytest.approx(2 / 3, abs=0.05)


def test_picked_rows_keep_their_labels() -> None:
    rows = two_classes(10, 0)
    found = picked(rows, [3, 1])
    assert (found.features == rows.features[[3, 1]]).all()
    assert (found.labels == rows.labels[[3, 1]]).all()
