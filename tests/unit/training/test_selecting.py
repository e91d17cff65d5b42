"""Tests which weights are taken for better, and that spoilt ones are refused."""

import numpy as np
import pytest

from regraft.errors import DivergedError, SettingsError
from regraft.scoring import metrics
from regraft.training.selecting import check_features, check_finite, selection_key
from tests.tiny_sessions import Size, options, session

WRONG = np.array([[0, 1], [1, 0], [1, 0]], np.float32)


def test_the_score_that_selects_is_the_one_of_the_options() -> None:
    labels = np.array([0, 0, 0, 0, 1])
    lazy = np.tile(np.array([1, 0], np.float32), (5, 1))
    fair = np.eye(2, dtype=np.float32)[[0, 0, 1, 1, 1]]
    by_accuracy, by_f1 = options(), options(select=metrics.macro_f1)
    assert selection_key(lazy, labels, options=by_accuracy) > selection_key(
        fair, labels, options=by_accuracy
    )
    assert selection_key(lazy, labels, options=by_f1) < selection_key(fair, labels, options=by_f1)


def test_a_whole_network_passes_and_a_spoilt_one_is_refused() -> None:
    made = session("image", size=Size(train=4, val=3))
    check_finite(made.network, WRONG)
    norm = made.network.get_buffer("trunk.stem.1.running_var")
    for tensor in (made.network.head.last.bias.data, norm):
        kept_value = float(tensor[0])
        tensor[0] = float("nan")
        with pytest.raises(SettingsError, match=r"the training diverged.*try a smaller --lr"):
            check_finite(made.network, WRONG)
        tensor[0] = kept_value
    with pytest.raises(SettingsError, match="diverged"):
        check_finite(made.network, np.full((3, 2), np.nan, np.float32))


def test_features_that_are_not_finite_are_refused_as_spoilt_weights_are() -> None:
    features = np.zeros((5, 3), np.float32)
    check_features(features)
    check_features(features[:0])
    for spoilt in (np.nan, np.inf):
        features[4, 1] = spoilt
        with pytest.raises(DivergedError, match=r"the training diverged.*try a smaller --lr"):
            check_features(features)


def test_equal_scores_are_told_apart_by_the_log_loss_worked_by_hand() -> None:
    labels = np.array([0, 1])
    sure, unsure = (np.array([[a, 0], [0, a]], np.float32) for a in (2.0, 1.0))
    first, second = (selection_key(found, labels, options=options()) for found in (sure, unsure))
    assert first[0] == second[0] == 1.0
    assert (-first[1], -second[1]) == pytest.approx((np.log1p(np.exp(-2)), np.log1p(np.exp(-1))))


def test_without_rows_all_weights_are_alike() -> None:
    none = np.zeros((0, 2), np.float32)
    assert selection_key(none, np.zeros(0, np.int64), options=options()) == (0.0, 0.0)
