"""Makes 95 % intervals: Wilson for a share, Student over seeds, bootstrap for the rest."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Z = 1.959963984540054
"""The 97.5 % point of the normal distribution."""
REPEATS = 1000
SEED = 20261124
CELLS = 1_000_000
"""Row numbers drawn at once: 8 MB."""
Statistic = Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float64]]
"""(R, N) row numbers → (R,) values."""


@dataclass(frozen=True)
class Score:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


def around(value: float, interval: tuple[float, float]) -> Score:
    """Returns a value with its interval, which is widened to hold the value.

    The percentile bootstrap of a biased statistic can miss it: a resample of well
    calibrated rows is worse calibrated. And rounding can put an end just beside it.
    """
    low, high = interval
    return Score(value, min(low, value), max(high, value))


def wilson(right: int, rows: int) -> Score:
    """Returns a share with its Wilson interval.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical
    inference", JASA 22.

    >>> wilson(90, 100)
    Score(value=0.9, low=0.8256343384950866, high=0.9447708629393249)
    """
    if rows == 0:
        return Score(0.0, 0.0, 1.0)
    share = right / rows
    width = Z * math.sqrt(share * (1 - share) / rows + Z * Z / (4 * rows * rows))
    middle = share + Z * Z / (2 * rows)
    scale = 1 + Z * Z / rows
    return around(share, ((middle - width) / scale, (middle + width) / scale))


def bootstrap(rows: int, statistic: Statistic) -> tuple[float, float]:
    """Returns the 2.5 % and 97.5 % points over 1,000 seeded resamples of the rows.

    Args:
        rows: N.
        statistic: Maps (R, N) row numbers to (R,) values.
    """
    values = np.concatenate([statistic(sample) for sample in resamples(rows)])
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def resamples(rows: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yields (R, N) row numbers drawn with replacement, 1,000 resamples in all."""
    generator = np.random.default_rng(SEED)
    at_once = max(1, min(REPEATS, CELLS // max(rows, 1)))
    for start in range(0, REPEATS, at_once):
        count = min(at_once, REPEATS - start)
        yield generator.integers(0, rows, size=(count, rows))


def paired_difference(first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]) -> Score:
    """Returns the mean of `first` − `second` with its paired bootstrap interval.

    Args:
        first: (N,) a value of each row, such as 1 where it was right.
        second: (N,) the same of another model on the same rows.
    """
    gaps = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    interval = bootstrap(len(gaps), lambda sample: gaps[sample].mean(axis=1))
    return around(float(gaps.mean()), interval)


def student(values: Sequence[float]) -> Score:
    """Returns the mean of two values or more with Student's interval.

    Source: Student 1908, "The probable error of a mean", Biometrika 6.

    Args:
        values: One for each seed.
    """
    from scipy.special import stdtrit

    count = len(values)
    mean = math.fsum(values) / count
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    half = float(stdtrit(count - 1, 0.975)) * math.sqrt(variance / count)
    return Score(mean, mean - half, mean + half)
