"""Tests the set of scores: values, intervals, and the two ways to resample."""

from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest

from regraft.scoring import metrics, scores
from regraft.scoring.intervals import REPEATS, Score, resamples, wilson
from regraft.scoring.metrics import softmax
from regraft.scoring.scores import macro_f1_difference, score


def some(rows: int, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, rows)
    logits = generator.normal(size=(rows, classes)) + 1.5 * np.eye(classes)[labels]
    return softmax(logits), labels


def test_every_interval_holds_its_value() -> None:
    for seed in range(5):
        for name, found in asdict(score(*some(60, seed=seed))).items():
            assert found["low"] <= found["value"] <= found["high"], name


def test_an_error_of_nil_lies_in_its_interval_although_no_resample_has_it() -> None:
    # 150 of 200 rows right at a confidence of 0.75, and 120 of 200 at 0.6.
    labels = np.repeat([0, 1, 0, 1], [150, 50, 120, 80])
    sure = np.repeat([0.75, 0.6], 200)
    found = score(np.stack([sure, 1 - sure], axis=1), labels).ece
    assert found.value == pytest.approx(0, abs=1e-12)
    assert found.low == found.value
    assert found.high > 0.02


def test_scores_are_the_same_every_time() -> None:
    assert score(*some(50)) == score(*some(50))


def test_intervals_shrink_with_the_rows() -> None:
    few, many = score(*some(60)), score(*some(2000))
    for name in asdict(few):
        narrow, wide = getattr(many, name), getattr(few, name)
        assert narrow.high - narrow.low < (wide.high - wide.low) / 2, name


def test_the_accuracy_has_the_interval_of_wilson() -> None:
    probabilities, labels = some(40)
    right = int((probabilities.argmax(axis=1) == labels).sum())
    assert score(probabilities, labels).accuracy == wilson(right, 40)


def test_drawing_cells_gives_the_interval_of_drawing_rows() -> None:
    probabilities, labels = some(120)
    predicted = probabilities.argmax(axis=1)
    drawn = [
        float(metrics.macro_f1(metrics.confusion(labels[r], predicted[r], classes=3)))
        for sample in resamples(120)
        for r in sample
    ]
    low, high = np.percentile(drawn, [2.5, 97.5])
    found = score(probabilities, labels).macro_f1
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)


def test_the_interval_of_the_calibration_error_is_that_of_resampled_rows() -> None:
    probabilities, labels = some(80)
    confidences, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    drawn = [metrics.calibration_error(confidences[r], right[r]) for s in resamples(80) for r in s]
    low, high = np.percentile(drawn, [2.5, 97.5])
    found = score(probabilities, labels).ece
    assert found.value == metrics.calibration_error(confidences, right)
    assert (found.low, found.high) == pytest.approx((min(low, found.value), high))


def test_many_classes_are_resampled_a_few_at_a_time_with_the_same_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = score(*some(80, classes=9))
    monkeypatch.setattr(scores, "CELLS", 200)
    sizes: list[int] = []

    def macro_f1(counts: np.ndarray) -> np.ndarray:
        sizes.append(counts.size)
        return metrics.macro_f1(counts)

    monkeypatch.setattr(
        scores, "metrics", SimpleNamespace(**vars(metrics) | {"macro_f1": macro_f1})
    )
    assert score(*some(80, classes=9)) == found
    assert max(sizes) == 2 * 9 * 9
    assert sum(sizes) == (REPEATS + 1) * 9 * 9


def test_a_class_without_rows_changes_nothing() -> None:
    probabilities, labels = some(60, classes=2)
    padded = np.concatenate([probabilities, np.zeros((60, 1))], axis=1)
    found, wanted = score(padded, labels).as_json(), score(probabilities, labels).as_json()
    for name in found:
        assert found[name]["value"] == wanted[name]["value"]
        assert found[name] == pytest.approx(wanted[name], abs=0.02)


def test_one_row_can_be_scored() -> None:
    found = score(np.array([[0.8, 0.2]]), np.array([0]))
    assert (found.accuracy.value, found.macro_f1.value, found.balanced_accuracy.value) == (1, 1, 1)
    assert found.log_loss.value == pytest.approx(-np.log(0.8))
    assert found.ece.value == pytest.approx(0.2)


def test_scores_are_written_as_value_low_and_high() -> None:
    written = score(*some(20)).as_json()
    assert list(written) == ["accuracy", "macro_f1", "balanced_accuracy", "log_loss", "ece"]
    assert all(list(each) == ["value", "low", "high"] for each in written.values())


def test_the_difference_of_macro_f1_is_that_of_resampled_rows() -> None:
    generator = np.random.default_rng(0)
    labels = (np.arange(120) % 6 == 0).astype(np.int64)
    first, second = (
        np.eye(2)[np.where(generator.random(120) < share, labels, 1 - labels)]
        for share in (0.95, 0.8)
    )
    found = macro_f1_difference(first, second, labels=labels)

    def f1(answers: np.ndarray, rows: np.ndarray) -> float:
        said = answers.argmax(axis=1)
        return float(metrics.macro_f1(metrics.confusion(labels[rows], said[rows], classes=2)))

    every = np.arange(120)
    assert found.value == pytest.approx(f1(first, every) - f1(second, every))
    drawn = [f1(first, rows) - f1(second, rows) for some in resamples(120) for rows in some]
    low, high = np.percentile(drawn, [2.5, 97.5])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)
    assert macro_f1_difference(first, first, labels=labels) == Score(0.0, 0.0, 0.0)
