"""Makes the share of the peak learning rate from the share of the steps that is done."""

import math
from dataclasses import dataclass

from regraft.training.phase import Phase


@dataclass(frozen=True)
class Clock:
    """Where the schedule of a phase is by the time that the phase may take.

    With a budget the rate falls to its end when the time is up, however many steps were
    taken: a schedule that is cut short is worse than a short one.

    Source: Li, Yumer and Ramanan 2020, "Budgeted Training: Rethinking Deep Neural Network
    Training under Resource Constraints", section 3 (the schedule is a function of the share
    of the budget that is spent).

    Args:
        start: Seconds, when the phase began or was gone on with.
        end: Seconds, when its last step shall be done; infinite = no limit.
        at: Step of the schedule at the start.
    """

    start: float = 0.0
    end: float = math.inf
    at: int = 0

    def step(self, now: float, *, steps: int) -> int:
        """Returns the 0-based step of the schedule that is due by the time alone.

        >>> Clock(10.0, 20.0).step(15.0, steps=100), Clock().step(15.0, steps=100)
        (50, 0)
        """
        if math.isinf(self.end):
            return 0
        share = (now - self.start) / max(self.end - self.start, 1e-9)
        return min(steps, self.at + int(share * (steps - self.at)))


def rate_share(phase: Phase, step: int, *, steps: int) -> float:
    """Returns the factor on the peak rates, in [0, 1], for a step.

    Args:
        phase: Names the warm-up share and the kind of fall.
        step: 0-based step within the phase.
        steps: Steps of the phase.
    """
    rise = round(phase.warmup * steps)
    if step < rise:
        return (step + 1) / (rise + 1)
    left = (steps - step) / max(steps - rise, 1)
    falls = {
        "constant": 1.0,
        "linear": left,
        "cosine": 0.5 - 0.5 * math.cos(math.pi * left),
    }
    return falls[phase.schedule]
