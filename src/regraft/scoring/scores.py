"""Makes the set of scores of one part of the data from probabilities and labels."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from regraft.scoring import metrics
from regraft.scoring.intervals import (
    CELLS,
    REPEATS,
    SEED,
    Score,
    Statistic,
    around,
    bootstrap,
    wilson,
)
from regraft.scoring.metrics import Labels, Probabilities

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class Scores:
    """Scores of N rows, each with its 95 % interval."""

    accuracy: Score
    macro_f1: Score
    balanced_accuracy: Score
    log_loss: Score
    ece: Score

    def as_json(self) -> dict[str, dict[str, float]]:
        """Returns plain data for `result.json`."""
        return asdict(self)


def score(probabilities: Probabilities, labels: Labels) -> Scores:
    """Returns the scores of (N, K) probabilities against (N,) labels."""
    predicted = probabilities.argmax(axis=1)
    right = predicted == labels
    counts = metrics.confusion(labels, predicted, classes=probabilities.shape[1])
    losses = metrics.row_losses(probabilities, labels)
    return Scores(
        accuracy=wilson(int(right.sum()), len(labels)),
        macro_f1=_of_counts(counts, metrics.macro_f1),
        balanced_accuracy=_of_counts(counts, metrics.balanced_accuracy),
        log_loss=_of_rows(losses, lambda rows: losses[rows].mean(axis=1)),
        ece=_calibration(probabilities.max(axis=1), right),
    )


def macro_f1_difference(first: Probabilities, second: Probabilities, *, labels: Labels) -> Score:
    """Returns macro F1 of `first` − `second` with its paired bootstrap interval.

    Args:
        first: (N, K) probabilities.
        second: (N, K) of another model on the same rows.
        labels: (N,).
    """
    said = [labels, first.argmax(axis=1), second.argmax(axis=1)]
    cells, counts = np.unique(np.stack(said, axis=1), axis=0, return_counts=True)
    label, *answers = cells.T
    classes = first.shape[1]
    own = _by_class(label, classes)
    parts = [(_by_class(label, classes, label == a), own + _by_class(a, classes)) for a in answers]

    def gap(drawn: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        one, other = (metrics.mean_f1(drawn @ right, drawn @ seen) for right, seen in parts)
        return one - other

    values = np.concatenate([gap(drawn) for drawn in _redrawn(counts)])
    low, high = np.percentile(values, [2.5, 97.5])
    return around(float(gap(counts)), (float(low), float(high)))


def _by_class(column: Labels, classes: int, counted: object = 1.0) -> "csr_array":
    """Returns (C, K): of each cell, 1 at its class, or 0 where it is not counted."""
    from scipy.sparse import csr_array

    rows = np.arange(len(column))
    ones = np.broadcast_to(np.asarray(counted, np.float64), rows.shape)
    return csr_array((ones, (rows, column)), shape=(len(column), classes))


def _of_counts(
    counts: npt.NDArray[np.int64],
    statistic: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float64]],
) -> Score:
    """Bootstraps a function of the confusion counts.

    Drawing N rows with replacement is drawing the cells that are not empty, N at most, from
    a multinomial.
    """
    values = np.concatenate([statistic(drawn) for drawn in _redrawn(counts)])
    low, high = np.percentile(values, [2.5, 97.5])
    return around(float(statistic(counts)), (float(low), float(high)))


def _redrawn(counts: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    """Yields (R, ...) counts of resamples, `REPEATS` in all, a few at a time."""
    rows = int(counts.sum())
    filled = np.flatnonzero(counts)
    generator = np.random.default_rng(SEED)
    at_once = max(1, CELLS // counts.size)
    for start in range(0, REPEATS, at_once):
        size = min(at_once, REPEATS - start)
        drawn = np.zeros((size, counts.size), np.int64)
        drawn[:, filled] = generator.multinomial(rows, counts.ravel()[filled] / rows, size=size)
        yield drawn.reshape(size, *counts.shape)


def _of_rows(values: npt.NDArray[np.float64], statistic: Statistic) -> Score:
    return around(float(values.mean()), bootstrap(len(values), statistic))


def _calibration(confidences: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]) -> Score:
    """Bootstraps the calibration error through sums of the gaps in each bin."""
    gaps = np.zeros((len(right), metrics.BINS))
    gaps[np.arange(len(right)), metrics.bins(confidences)] = confidences - right

    def resampled(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        times = np.stack([np.bincount(row, minlength=len(right)) for row in rows])
        return np.asarray(np.abs(times @ gaps).sum(axis=1) / len(right))

    value = metrics.calibration_error(confidences, right)
    return around(value, bootstrap(len(right), resampled))
