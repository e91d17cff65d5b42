"""Makes the set of scores of one part of the data from probabilities and labels."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from regraft.scoring import metrics
from regraft.scoring.intervals import REPEATS, SEED, Score, Statistic, around, bootstrap, wilson
from regraft.scoring.metrics import Labels, Probabilities


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


def _of_counts(
    counts: npt.NDArray[np.int64],
    statistic: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float64]],
) -> Score:
    """Bootstraps a function of the confusion counts.

    Drawing N rows with replacement is drawing the cells from a multinomial, which costs
    K² numbers a resample instead of N.
    """
    rows = int(counts.sum())
    drawn = np.random.default_rng(SEED).multinomial(rows, counts.ravel() / rows, size=REPEATS)
    low, high = np.percentile(statistic(drawn.reshape(REPEATS, *counts.shape)), [2.5, 97.5])
    return around(float(statistic(counts)), (float(low), float(high)))


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
