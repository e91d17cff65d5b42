"""Tests the linear probe against scikit-learn and its edge cases."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from regraft.scoring.metrics import softmax
from regraft.training.heads import probe as probe_module
from regraft.training.heads.probe import (
    COARSE,
    FEWEST,
    STRENGTHS,
    USUAL_STRENGTH,
    Labelled,
    LinearProbe,
    fit_probe,
    solve_probe,
    standard_scale,
)


def some(rows: int = 90, classes: int = 3, seed: int = 0) -> Labelled:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, rows)
    centres = np.random.default_rng(5).normal(size=(classes, 6))
    features = 10 + 4 * (generator.normal(size=(rows, 6)) + centres[labels])
    return Labelled(features.astype(np.float32), labels)


def answers(probe: LinearProbe, rows: Labelled) -> np.ndarray:
    return softmax(probe.logits(rows.features))


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_scikit_learn(classes: int) -> None:
    train, others = some(classes=classes), some(classes=classes, seed=1)
    scaler = StandardScaler().fit(train.features)
    model = LogisticRegression(C=USUAL_STRENGTH, max_iter=1000, tol=1e-6)
    model.fit(scaler.transform(train.features), train.labels)
    wanted = model.predict_proba(scaler.transform(others.features))
    found = solve_probe(train, classes, strength=USUAL_STRENGTH)
    assert answers(found, others) == pytest.approx(wanted, abs=2e-3)


def test_two_classes_have_a_row_each() -> None:
    probe = fit_probe(some(classes=2), 2)
    assert probe.weight.shape == (2, 6)
    assert np.array_equal(probe.weight[0], -probe.weight[1])


def test_weights_count_as_that_many_rows() -> None:
    train = some(60, classes=2)
    doubled = np.concatenate([train.features, train.features[train.labels == 1]])
    labels = np.concatenate([train.labels, train.labels[train.labels == 1]])
    weighted = solve_probe(train, 2, strength=USUAL_STRENGTH, weights=np.array([1, 2], np.float32))
    scaler = StandardScaler().fit(train.features)
    model = LogisticRegression(C=USUAL_STRENGTH, max_iter=1000, tol=1e-6)
    model.fit(scaler.transform(doubled), labels)
    wanted = model.predict_proba(scaler.transform(train.features))
    assert answers(weighted, train) == pytest.approx(wanted, abs=2e-3)


@pytest.mark.parametrize("absent", [0, 1, 3])
def test_an_absent_class_is_never_predicted_and_has_finite_logits(absent: int) -> None:
    train = some(classes=3)
    present = np.array([k for k in range(4) if k != absent])
    probe = fit_probe(Labelled(train.features, present[train.labels]), 4)
    found = answers(probe, train)
    assert np.isfinite(probe.logits(train.features)).all()
    assert found[:, absent].max() < 1e-6
    wanted = answers(fit_probe(train, 3), train)
    assert found[:, present] == pytest.approx(wanted, abs=1e-6)


def test_rows_of_a_single_class_are_answered_with_it() -> None:
    probe = fit_probe(Labelled(some().features, np.full(90, 2)), 3)
    assert answers(probe, some())[:, 2].min() > 0.999


def log_losses(train: Labelled, strength: float, rows: Labelled) -> np.ndarray:
    """Returns (N,) losses of scikit-learn's regression on standardised features."""
    scaler = StandardScaler().fit(train.features)
    model = LogisticRegression(C=strength, max_iter=1000)
    model.fit(scaler.transform(train.features), train.labels)
    probabilities = model.predict_proba(scaler.transform(rows.features))
    losses: np.ndarray = -np.log(probabilities[np.arange(len(rows.labels)), rows.labels])
    return losses


@pytest.mark.parametrize("noise", [4, 40])
def test_the_least_log_loss_of_rows_that_were_left_out_chooses_the_strength(noise: float) -> None:
    rows, others = some(60, classes=2), some(300, classes=2, seed=1)
    shaken = np.random.default_rng(2).normal(size=(60, 6)) * noise
    train = Labelled((rows.features + shaken).astype(np.float32), rows.labels)
    val = Labelled(others.features, others.labels)
    only = fit_probe(Labelled(train.features[: FEWEST - 1], train.labels[: FEWEST - 1]), 2, val=val)
    few = Labelled(train.features[: FEWEST - 1], train.labels[: FEWEST - 1])
    assert only.strength == min(STRENGTHS, key=lambda c: log_losses(few, c, val).sum())
    # Without rows for that, the training rows are left out in turn.
    assert fit_probe(train, 2).strength == min(STRENGTHS, key=lambda c: in_turn(train, c))


def in_turn(rows: Labelled, strength: float) -> float:
    """Returns the summed log loss of rows that are left out, by scikit-learn's regression."""
    total, features = 0.0, StandardScaler().fit_transform(rows.features)
    for out in probe_module._turns(rows):
        model = LogisticRegression(C=strength, max_iter=1000, tol=1e-4)
        model.fit(features[~out], rows.labels[~out])
        said = model.predict_proba(features[out])
        total -= float(np.log(said[np.arange(out.sum()), rows.labels[out]]).sum())
    return total


def test_classes_that_weigh_more_count_more_in_the_choice() -> None:
    """A rare class whose rows lie apart: the more it counts, the weaker the penalty."""
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], [180, 12])
    features = generator.normal(size=(192, 6)) + 1.5 * labels[:, None]
    train = Labelled(features.astype(np.float32), labels)
    chosen = [
        fit_probe(train, 2, weights=np.array(weights, np.float32)).strength
        for weights in ([1, 1e-6], [1, 1])
    ]
    assert chosen[0] < chosen[1]


def test_many_rows_try_fewer_penalties_and_only_on_those_for_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[tuple[int, float]] = []
    real = probe_module._classifier

    def seen(train: Labelled, *given: Any) -> LinearProbe:
        tried.append((len(train.labels), given[2]))
        return real(train, *given)

    monkeypatch.setattr(probe_module, "_classifier", seen)
    monkeypatch.setattr(probe_module, "CHEAP", 90 * 6 * 3 - 1)
    fit_probe(some(), 3, val=some(seed=1))
    assert tried == [(90, strength) for strength in COARSE]
    tried.clear()
    fit_probe(some(), 3)
    assert tried == [(90, USUAL_STRENGTH)]


def test_fewer_rows_than_features_are_left_out_among_their_own_directions() -> None:
    """The same losses, and the same choice, as in all directions."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 40)
    wide = generator.normal(size=(40, 90)) + 0.4 * np.eye(90)[labels]
    train = Labelled(wide.astype(np.float32), labels)
    found = probe_module._losses_in_turn(train, 3, STRENGTHS, None)
    for strength, loss in found.items():
        assert loss == pytest.approx(in_turn(train, strength), rel=1e-2)
    assert fit_probe(train, 3).strength == min(found, key=found.__getitem__)


def test_turns_leave_out_each_row_once_and_classes_in_like_parts() -> None:
    labels = np.repeat([0, 1, 2], [50, 11, 3])
    rows = Labelled(np.arange(64, dtype=np.float32)[:, None], labels)
    turns = probe_module._turns(rows)
    assert np.stack(turns).sum(axis=0).tolist() == [1] * 64
    for out in turns:
        counts = np.bincount(labels[out], minlength=3)
        assert counts[0] == 10
        assert counts[1] in (2, 3)
        assert counts[2] <= 1


@pytest.mark.parametrize("told", [True, False])
def test_rows_that_belong_together_or_are_equal_are_left_out_together(told: bool) -> None:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(40, 4)).astype(np.float32)
    units = np.repeat(np.arange(40), 3)
    copies = features[units] + (1e-3 * generator.normal(size=(120, 4)) if told else 0)
    rows = Labelled(copies.astype(np.float32), units % 2, units if told else None)
    for out in probe_module._turns(rows):
        assert 0 < out.sum() < 120
        assert not set(units[out]) & set(units[~out])


def test_equal_rows_stay_together_whatever_their_groups_are() -> None:
    features = np.repeat(np.arange(30, dtype=np.float32), 2)[:, None]
    groups = np.arange(60)
    groups[1] = groups[2]  # of another pair of equal rows
    for out in probe_module._turns(Labelled(features, np.arange(60) % 2, groups)):
        assert len(set(out[:4].tolist())) == 1
        assert (out[::2] == out[1::2]).all()


def test_copies_of_rows_do_not_make_the_penalty_weaker() -> None:
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 2
    features = generator.normal(size=(60, 64)) + 0.5 * np.eye(64)[labels]
    once = Labelled(features.astype(np.float32), labels)
    units = np.repeat(np.arange(60), 3)
    near = features[units] + 1e-2 * generator.normal(size=(180, 64))
    copied = Labelled(near.astype(np.float32), labels[units], units)
    blind = Labelled(copied.features, copied.labels)
    assert fit_probe(copied, 2).strength <= fit_probe(once, 2).strength
    assert fit_probe(blind, 2).strength > fit_probe(copied, 2).strength


def test_where_nothing_tells_penalties_apart_the_usual_one_is_taken() -> None:
    """One row a class: whatever is left out, its class is gone."""
    features = np.random.default_rng(0).normal(size=(24, 30)).astype(np.float32)
    assert fit_probe(Labelled(features, np.arange(24)), 24).strength == USUAL_STRENGTH


def test_rows_for_that_and_rows_left_out_choose_together() -> None:
    """The sum decides: either alone would choose something else."""
    rows, others = some(60, classes=2), some(6, classes=2, seed=4)
    wrong = Labelled(others.features, 1 - others.labels)
    strengths = [fit_probe(rows, 2, val=val).strength for val in (None, wrong)]
    assert strengths[1] < strengths[0]
    few = Labelled(rows.features[: FEWEST - 1], rows.labels[: FEWEST - 1])
    assert fit_probe(few, 2, val=wrong).strength < strengths[1]
    sums = {c: in_turn(rows, c) + float(log_losses(rows, c, wrong).sum()) for c in STRENGTHS}
    assert sums[strengths[1]] == pytest.approx(min(sums.values()), rel=1e-3)


def test_too_few_rows_take_the_usual_strength() -> None:
    nothing = Labelled(np.zeros((0, 6), np.float32), np.zeros(0, np.int64))
    assert fit_probe(some(FEWEST - 1), 3).strength == USUAL_STRENGTH
    assert fit_probe(some(FEWEST - 1), 3, val=nothing).strength == USUAL_STRENGTH


def test_the_choice_is_the_same_each_time() -> None:
    first, second = fit_probe(some(40), 3), fit_probe(some(40), 3)
    assert first.strength == second.strength
    assert np.array_equal(first.weight, second.weight)


def test_a_feature_that_never_changes_does_no_harm() -> None:
    train = some()
    features = np.concatenate([train.features, np.full((90, 1), 7, np.float32)], axis=1)
    probe = fit_probe(Labelled(features, train.labels), 3)
    assert np.isfinite(probe.logits(features)).all()
    assert answers(probe, Labelled(features, train.labels)) == pytest.approx(
        answers(fit_probe(train, 3), train), abs=1e-3
    )


def test_a_feature_that_stands_still_is_not_blown_up() -> None:
    features = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    features[:, 2] = 0.25
    scale = standard_scale(features)
    assert scale[2] <= 1.01 / (0.1 * features.std(axis=0).mean())
    assert scale[[0, 1, 3]] == pytest.approx(1 / features[:, [0, 1, 3]].std(axis=0))
