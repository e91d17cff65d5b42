"""Tests the sample of rows that a head's start is solved on."""

import numpy as np

from regraft.training.heads.sample import FLOOR, sample_rows

LABELS = np.array([0] * 900 + [1] * 95 + [2] * 5)


def test_no_row_comes_twice_and_the_order_is_that_of_the_rows() -> None:
    picked = sample_rows(LABELS, 100, seed=0)
    assert len(picked) == 100
    assert (np.diff(picked) > 0).all()


def test_rare_classes_are_there_and_frequent_ones_keep_about_their_share() -> None:
    counts = np.bincount(LABELS[sample_rows(LABELS, 200, seed=0)], minlength=3)
    assert counts[2] == 5
    assert counts[1] >= FLOOR
    assert 145 <= counts[0] <= 180


def test_a_seed_draws_the_same_rows_and_another_seed_others() -> None:
    first, again, other = (sample_rows(LABELS, 50, seed=seed).tolist() for seed in (3, 3, 4))
    assert first == again != other


def test_more_rows_than_there_are_means_all() -> None:
    assert sample_rows(LABELS, 5000, seed=0).tolist() == list(range(1000))
