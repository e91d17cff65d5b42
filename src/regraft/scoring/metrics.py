"""Makes accuracy, F1, balanced accuracy, log loss and calibration from probabilities."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from regraft.data.mapped.room import blocks

Probabilities = npt.NDArray[np.floating]
Labels = npt.NDArray[np.int64]
BINS = 15
"""Equal-width bins of confidence in the calibration error (Guo et al. 2017, M = 15)."""
TINY = 1e-7
"""Probabilities are kept above this, so that one sure mistake does not make ∞."""


@dataclass(frozen=True)
class ClassScore:
    """Precision, recall and F1 of one class, each in [0, 1], and its number of rows."""

    precision: float
    recall: float
    f1: float
    rows: int


def softmax(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Returns (N, K) probabilities of (N, K) logits, in float64."""
    shares: npt.NDArray[np.float64] = logits.astype(np.float64)
    shares -= logits.max(axis=1, keepdims=True)
    np.exp(shares, out=shares)
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def confusion(labels: Labels, predicted: Labels, *, classes: int) -> npt.NDArray[np.int64]:
    """Returns (K, K) counts of rows, true class by predicted class."""
    cells = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return cells.reshape(classes, classes).astype(np.int64)


def accuracy(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Returns the share of right rows of (..., K, K) confusion counts."""
    right = np.trace(counts, axis1=-2, axis2=-1)
    return np.asarray(right / np.maximum(counts.sum(axis=(-2, -1)), 1))


def balanced_accuracy(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Returns the mean recall over the classes that have rows, of (..., K, K) counts."""
    totals = counts.sum(axis=-1)
    recalls = np.diagonal(counts, axis1=-2, axis2=-1) / np.maximum(totals, 1)
    present = totals > 0
    return np.asarray((recalls * present).sum(axis=-1) / np.maximum(present.sum(axis=-1), 1))


def macro_f1(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Returns the mean F1 over the classes seen as label or prediction, of (..., K, K).

    F1 = 2 TP / (rows of the class + rows predicted as the class).
    """
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    return mean_f1(right, counts.sum(axis=-1) + counts.sum(axis=-2))


def mean_f1(right: npt.NDArray[Any], seen: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Returns the mean F1 over the classes that are seen.

    Args:
        right: (..., K) rows that are rightly answered with each class.
        seen: (..., K) rows of the class and rows answered with it, summed.
    """
    f1 = 2 * right / np.maximum(seen, 1)
    present = seen > 0
    return np.asarray((f1 * present).sum(axis=-1) / np.maximum(present.sum(axis=-1), 1))


def row_losses(probabilities: Probabilities, labels: Labels) -> npt.NDArray[np.float64]:
    """Returns (N,) negative log probabilities of the true classes, in nats."""
    picked = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return -np.log(np.maximum(picked, TINY))


def calibration_error(confidences: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]) -> float:
    """Returns the expected calibration error, in [0, 1].

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3.

    Args:
        confidences: (N,) probability of the predicted class.
        right: (N,) whether the prediction was the label.
    """
    gaps = np.bincount(bins(confidences), weights=confidences - right, minlength=BINS)
    return float(np.abs(gaps).sum() / max(len(right), 1))


def bins(confidences: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
    """Returns (N,) the bin, 0..14, of each confidence; bin m holds (m/15, (m+1)/15]."""
    numbers: npt.NDArray[np.int64] = np.ceil(confidences * BINS).astype(np.int64) - 1
    return numbers.clip(0, BINS - 1)


def per_class(counts: npt.NDArray[np.int64]) -> list[ClassScore]:
    """Returns the scores of each of the K classes from (K, K) counts."""
    right = np.diagonal(counts)
    rows, predicted = counts.sum(axis=1), counts.sum(axis=0)
    columns = zip(
        right / np.maximum(predicted, 1),
        right / np.maximum(rows, 1),
        2 * right / np.maximum(rows + predicted, 1),
        rows,
        strict=True,
    )
    return [ClassScore(float(p), float(r), float(f), int(n)) for p, r, f, n in columns]


def loss_and_accuracy(
    logits: npt.NDArray[np.floating], labels: Labels
) -> tuple[float | None, float | None]:
    """Returns mean log loss in nats and accuracy of (N, K) logits; None without rows."""
    if not len(labels):
        return None, None
    losses, right = np.empty(len(labels)), np.empty(len(labels), bool)
    for block in blocks(len(labels)):
        probabilities = softmax(logits[block])
        losses[block] = row_losses(probabilities, labels[block])
        right[block] = probabilities.argmax(axis=1) == labels[block]
    return float(losses.mean()), float(right.mean())
