"""Makes effect sizes of numbers that are measured on each row of two domains.

Source: Cohen 1988, "Statistical Power Analysis for the Behavioral Sciences", chapter 2 (d);
its interval after Hedges and Olkin 1985, "Statistical Methods for Meta-Analysis", chapter 5.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regraft.scoring.intervals import Score, Z

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Effect:
    """How far a number differs between the domains.

    Args:
        name: Of what is measured, with its unit.
        source: Mean over the source's rows.
        target: Mean over the target's rows.
        size: d = (target − source) / pooled deviation, with its interval.
    """

    name: str
    source: float
    target: float
    size: Score


def effects(source: Mapping[str, Floats], target: Mapping[str, Floats]) -> list[Effect]:
    """Returns the effect of each number, the largest first.

    Args:
        source: (N,) by name.
        target: (L,) by the same names.
    """
    found = [effect(name, source=source[name], target=target[name]) for name in source]
    return sorted(found, key=lambda each: -abs(each.size.value))


def effect(name: str, *, source: Floats, target: Floats) -> Effect:
    """Returns the effect of one number.

    Args:
        name: What is measured.
        source: (N,) finite values.
        target: (L,) finite values.
    """
    means = float(source.mean()), float(target.mean())
    size = _size(source, target)
    rows = len(source), len(target)
    error = math.sqrt(sum(rows) / math.prod(rows) + size**2 / (2 * sum(rows)))
    return Effect(name, *means, Score(size, size - Z * error, size + Z * error))


def _size(source: Floats, target: Floats) -> float:
    """Returns d; 0 where no number moves at all, and at most 99 where none does in a domain."""
    gap = float(target.mean() - source.mean())
    squares = float(((source - source.mean()) ** 2).sum() + ((target - target.mean()) ** 2).sum())
    deviation = math.sqrt(squares / max(len(source) + len(target) - 2, 1))
    if abs(gap) <= 1e-12:
        return 0.0
    return math.copysign(min(abs(gap) / max(deviation, 1e-12), MOST), gap)


MOST = 99.0
"""Effect that is shown where the numbers do not overlap and do not vary."""
