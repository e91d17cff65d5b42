"""Finds how many rows a learning curve needs to reach a score."""

from collections.abc import Sequence
from itertools import pairwise


def rows_to_reach(curve: Sequence[tuple[float, float]], target: float) -> float | None:
    """Returns the rows at which the curve first reaches the target; None if it never does.

    Between two points the score is taken to rise by the logarithm of the rows, as learning
    curves nearly do. Below the first point nothing is known: a curve that begins at or above
    the target gives the rows of its first point.

    Args:
        curve: Rows and score of each point, fewest rows first.
        target: The score to reach.

    >>> round(rows_to_reach([(100, 0.70), (10_000, 0.90)], 0.80))
    1000
    """
    if not curve or curve[0][1] >= target:
        return curve[0][0] if curve else None
    for (rows, score), (more, better) in pairwise(curve):
        if better >= target:
            return float(rows * (more / rows) ** ((target - score) / (better - score)))
    return None
