"""Decides when a block has gone its way: the freeze threshold, from distances alone.

The article freezes a layer whose update falls below a threshold. The update of one step
measures the schedule (under Adam the step is the rate, whatever the gradient); what does
shrink is the part of a block's journey that is still to come.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

CHECKS = 32
"""Readings in a phase, evenly in integrated rate."""
FIRST = 0.2
"""Share of the integrated rate before which nothing freezes."""
BACK = 1.25
"""An exponent is taken between now and the last reading at or before now / BACK."""
IN_A_ROW = 2
"""Readings below the threshold, one after the other, that freeze a block."""
AUTO = 0.1
"""Part of the journey still to come below which a block freezes."""

RuleName = Literal["left", "rested", "staggered", "outputs", "gradient", "literal", "clock"]
USUAL: dict[RuleName, float] = {
    "left": AUTO,
    "rested": AUTO,
    "staggered": AUTO,
    "outputs": AUTO,
    "gradient": 0.5,
}
"""What `auto` is; the other rules have no value that would suit most networks."""
Place = tuple[float, float]
"""A share s of the integrated rate, and a block's distance D from its start there."""


@dataclass(frozen=True)
class Rule:
    """When blocks freeze.

    Args:
        value: The threshold of what the rule compares.
        name: `left`: what is left of the journey of the weights, as a share of what was gone;
            `rested`: the same, and a block that freezes comes to rest where it was on
            average; `staggered`: at most one block a check; `outputs`: the same of the
            journey of a block's outputs on a few rows; `gradient`: the square of a block's
            gradient since the last check, by the mean of those that move; `literal`: the
            article's own, the norm of one step's update; `clock`: the share of the
            integrated rate that is spent: all freeze when it reaches the value.
        prefix: Whether a block waits for all below it, so that the prefix need not be
            passed backward.
    """

    value: float = AUTO
    name: RuleName = "left"
    prefix: bool = True


@dataclass(frozen=True)
class Reading:
    """What a check found for one block.

    Args:
        distance: D = ‖θ − θ at the start‖ over the block's dense weights.
        exponent: p, D's local exponent in s; None where there is no earlier reading.
        left: What the rule compares with its value; None where it cannot be told.
    """

    distance: float
    exponent: float | None
    left: float | None


def exponent(trail: Sequence[Place]) -> float | None:
    """Returns p = ln(D / D') / ln(s / s'), s' the last reading at or before s / 1.25.

    Args:
        trail: Readings in order; the last one is now.

    >>> round(exponent([(0.2, 1.0), (0.4, 2.0)]), 6)  # steady drift
    1.0
    >>> exponent([(0.2, 1.0), (0.4, 1.0)])  # settled
    0.0
    """
    share, distance = trail[-1]
    earlier = [place for place in trail[:-1] if place[0] * BACK <= share and place[1] > 0]
    if not earlier or distance <= 0:
        return None
    before, then = earlier[-1]
    return math.log(distance / then) / math.log(share / before)


def still_to_come(share: float, power: float) -> float:
    """Returns (1 / s)^max(p, 0) − 1: how much further, as a share of what was gone.

    >>> round(still_to_come(0.25, 0.5), 6)  # a random walk, a quarter of it done
    1.0
    """
    return float((1 / share) ** max(power, 0.0) - 1)


def read(trail: Sequence[Place]) -> Reading:
    """Returns the reading of a block from its trail; its last place is now."""
    share, distance = trail[-1]
    power = exponent(trail)
    return Reading(distance, power, None if power is None else still_to_come(share, power))


@dataclass
class Trails:
    """Where every block has been, and how often in a row it was below the threshold.

    Args:
        rule: When blocks freeze.
        places: Of each block, its readings so far.
        streaks: Of each block, readings below the threshold in a row.
    """

    rule: Rule
    places: list[list[Place]]
    streaks: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.streaks = self.streaks or [0] * len(self.places)

    def note(
        self, share: float, distances: Sequence[float], *, measured: Sequence[float] | None = None
    ) -> list[Reading]:
        """Takes the distances at a share of the integrated rate; returns the readings.

        Args:
            share: s, above every share before.
            distances: (P,) D of each block.
            measured: (P,) what the rule compares in the place of what is left, if anything.
        """
        for trail, distance in zip(self.places, distances, strict=True):
            trail.append((share, distance))
        found = [read(trail) for trail in self.places]
        if measured is not None:
            pairs = zip(found, measured, strict=True)
            found = [Reading(r.distance, r.exponent, each) for r, each in pairs]
        for number, reading in enumerate(found):
            below = reading.left is not None and reading.left < self.rule.value
            self.streaks[number] = self.streaks[number] + 1 if below and share >= FIRST else 0
        if self.rule.name == "clock":
            self.streaks = [IN_A_ROW * (share >= self.rule.value)] * len(found)
        return found

    def ripe(self, frozen: frozenset[int], *, held: frozenset[int] = frozenset()) -> frozenset[int]:
        """Returns the blocks that freeze now, besides those that are frozen.

        Args:
            frozen: Numbers of the blocks that are.
            held: Of those that cannot move anyway: they hold no block above them up, and
                freeze with it.
        """
        ready = {n for n, streak in enumerate(self.streaks) if streak >= IN_A_ROW} - frozen
        if not self.rule.prefix:
            return frozenset(ready - held)
        line = 0
        while line in frozen or line in ready or line in held:
            line += 1
        lower = sorted(frozenset(range(line)) - frozen)
        free = [number for number in lower if number not in held]
        last = free[0] if free and self.rule.name == "staggered" else max(free, default=-1)
        return frozenset(number for number in lower if number <= last)

    def as_json(self) -> dict[str, Any]:
        """Returns plain data for a checkpoint."""
        return {"places": self.places, "streaks": self.streaks}


def gradient_shares(sums: Sequence[float], *, frozen: frozenset[int]) -> list[float]:
    """Returns (P,) each block's sum of squares by the mean of the blocks that move.

    Source: after the gradient norms of Liu, Agarwal and Venkataraman 2021, "AutoFreeze:
    Automatically Freezing Model Blocks to Accelerate Fine-tuning", section 4.1.

    >>> gradient_shares([1.0, 3.0], frozen=frozenset())
    [0.5, 1.5]
    """
    moving = [value for number, value in enumerate(sums) if number not in frozen]
    mean = sum(moving) / max(len(moving), 1)
    return [value / mean if mean else 0.0 for value in sums]


def due(before: float, after: float) -> bool:
    """Says whether a check lies between two shares of the integrated rate.

    >>> due(0.030, 0.032), due(0.032, 0.033), due(0.5, 0.5)
    (True, False, False)
    """
    return math.floor(before * CHECKS + 1e-9) < math.floor(after * CHECKS + 1e-9)
