"""Makes the share of the peak learning rate from the share of the steps that is done."""

import math

from regraft.training.phase import Phase


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
