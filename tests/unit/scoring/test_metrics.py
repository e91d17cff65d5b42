"""Tests the metrics against scikit-learn, cases worked by hand and the papers' formulas."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from regraft.data.mapped import room
from regraft.scoring import metrics

Case = tuple[np.ndarray, np.ndarray]

# Four rows: classes 0, 0, 1, 1 answered as 0, 1, 1, 1.
LABELS = np.array([0, 0, 1, 1])
PROBABILITIES = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]])
COUNTS = np.array([[1, 1], [0, 2]])


@st.composite
def cases(draw: st.DrawFn, classes: int = 4) -> Case:
    """Returns (N, K) probabilities and (N,) labels; some classes may be missing."""
    rows = draw(st.integers(1, 40))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = generator.integers(0, draw(st.integers(1, classes)), rows)
    # Not steeper: below 1e-7 probabilities count as 1e-7 here, and not in the oracle.
    return metrics.softmax(1.5 * generator.normal(size=(rows, classes))), labels


def counts_of(case: Case) -> np.ndarray:
    probabilities, labels = case
    predicted = probabilities.argmax(axis=1)
    return metrics.confusion(labels, predicted, classes=probabilities.shape[1])


def slow_calibration_error(confidences: np.ndarray, right: np.ndarray) -> float:
    """Rewrites Guo et al. 2017, equations 2 and 3, word by word."""
    total = 0.0
    for m in range(1, 16):
        low, high = (m - 1) / 15, m / 15
        inside = [i for i, c in enumerate(confidences) if low < c <= high]
        if inside:
            acc = sum(bool(right[i]) for i in inside) / len(inside)
            conf = sum(confidences[i] for i in inside) / len(inside)
            total += len(inside) / len(confidences) * abs(acc - conf)
    return total


def test_four_rows_are_scored_as_by_hand() -> None:
    counts = metrics.confusion(LABELS, PROBABILITIES.argmax(axis=1), classes=2)
    assert counts.tolist() == COUNTS.tolist()
    assert metrics.accuracy(counts) == 3 / 4
    assert metrics.balanced_accuracy(counts) == (1 / 2 + 2 / 2) / 2
    assert metrics.macro_f1(counts) == pytest.approx((2 * 1 / 3 + 2 * 2 / 5) / 2)
    losses = metrics.row_losses(PROBABILITIES, LABELS)
    assert losses == pytest.approx(-np.log([0.9, 0.4, 0.8, 0.7]))


def test_four_rows_in_four_bins_have_the_calibration_error_worked_by_hand() -> None:
    confidences = np.array([0.9, 0.62, 0.8, 0.7])
    right = np.array([True, False, True, True])
    by_hand = (abs(0.9 - 1) + abs(0.62 - 0) + abs(0.8 - 1) + abs(0.7 - 1)) / 4
    assert metrics.calibration_error(confidences, right) == pytest.approx(by_hand)


def test_per_class_scores_of_four_rows_are_those_worked_by_hand() -> None:
    first, second = metrics.per_class(COUNTS)
    assert (first.precision, first.recall, first.rows) == (1.0, 0.5, 2)
    assert (second.precision, second.recall, second.rows) == (2 / 3, 1.0, 2)
    assert [first.f1, second.f1] == pytest.approx([2 / 3, 4 / 5])


@given(cases())
def test_counts_are_those_of_scikit_learn(case: Case) -> None:
    probabilities, labels = case
    found = oracle.confusion_matrix(labels, probabilities.argmax(axis=1), labels=range(4))
    assert counts_of(case).tolist() == found.tolist()


@given(cases())
def test_accuracy_is_that_of_scikit_learn(case: Case) -> None:
    probabilities, labels = case
    wanted = oracle.accuracy_score(labels, probabilities.argmax(axis=1))
    assert metrics.accuracy(counts_of(case)) == pytest.approx(wanted)


@given(cases())
def test_balanced_accuracy_is_that_of_scikit_learn(case: Case) -> None:
    probabilities, labels = case
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that is predicted and has no rows
        wanted = oracle.balanced_accuracy_score(labels, probabilities.argmax(axis=1))
    assert metrics.balanced_accuracy(counts_of(case)) == pytest.approx(wanted)


@given(cases())
def test_macro_f1_is_that_of_scikit_learn(case: Case) -> None:
    probabilities, labels = case
    wanted = oracle.f1_score(labels, probabilities.argmax(axis=1), average="macro")
    assert metrics.macro_f1(counts_of(case)) == pytest.approx(wanted)


@given(cases())
def test_per_class_scores_are_those_of_scikit_learn(case: Case) -> None:
    probabilities, labels = case
    wanted = oracle.precision_recall_fscore_support(
        labels, probabilities.argmax(axis=1), labels=range(4), zero_division=0.0
    )
    found = metrics.per_class(counts_of(case))
    assert [s.precision for s in found] == pytest.approx(wanted[0].tolist())
    assert [s.recall for s in found] == pytest.approx(wanted[1].tolist())
    assert [s.f1 for s in found] == pytest.approx(wanted[2].tolist())
    assert [s.rows for s in found] == wanted[3].tolist()


@given(cases())
def test_mean_log_loss_is_that_of_scikit_learn(case: Case) -> None:
    probabilities, labels = case
    wanted = oracle.log_loss(labels, probabilities, labels=range(4))
    assert metrics.row_losses(probabilities, labels).mean() == pytest.approx(wanted, abs=1e-6)


@given(cases())
def test_the_calibration_error_is_that_of_the_paper(case: Case) -> None:
    probabilities, labels = case
    confidences, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    wanted = slow_calibration_error(confidences, right)
    assert metrics.calibration_error(confidences, right) == pytest.approx(wanted)


@pytest.mark.parametrize(("confidence", "number"), [(0.0, 0), (0.2, 2), (0.21, 3), (1.0, 14)])
def test_a_bin_holds_its_upper_end_and_not_its_lower_one(confidence: float, number: int) -> None:
    assert metrics.bins(np.array([confidence])).tolist() == [number]


def test_many_counts_are_scored_at_once() -> None:
    stacked = np.stack([COUNTS, COUNTS.T, np.eye(2, dtype=np.int64)])
    for score in (metrics.accuracy, metrics.balanced_accuracy, metrics.macro_f1):
        assert score(stacked).tolist() == [float(score(counts)) for counts in stacked]


def test_one_sure_mistake_costs_a_finite_loss() -> None:
    assert metrics.row_losses(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(16.118, 1e-3)


def test_probabilities_are_the_same_for_shifted_and_huge_logits() -> None:
    logits = np.array([[1.0, 2.0, 3.0]])
    found = metrics.softmax(logits + 10_000)
    assert found == pytest.approx(np.exp(logits) / np.exp(logits).sum())


def test_loss_and_accuracy_of_no_rows_are_nothing() -> None:
    nothing = np.zeros((0, 2)), np.zeros(0, np.int64)
    assert metrics.loss_and_accuracy(*nothing) == (None, None)


def test_loss_and_accuracy_of_logits_are_those_of_their_probabilities() -> None:
    loss, accuracy = metrics.loss_and_accuracy(np.log(PROBABILITIES), LABELS)
    assert loss == pytest.approx(-np.log([0.9, 0.4, 0.8, 0.7]).mean())
    assert accuracy == 3 / 4


def test_loss_and_accuracy_of_many_rows_are_those_of_all_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logits = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    labels = np.arange(50) % 3
    at_once = metrics.loss_and_accuracy(logits, labels)
    monkeypatch.setattr(room, "BLOCK", 7)
    assert metrics.loss_and_accuracy(logits, labels) == at_once
