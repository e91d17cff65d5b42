"""Defines what holds for a whole run, whatever phase is worked."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regraft.freezing.line import NOTHING, Above
from regraft.freezing.threshold import Rule
from regraft.training.optimiser import Kind


@dataclass(frozen=True)
class Options:
    """What holds for the whole run.

    Args:
        seed: Of order, augmentation and dropout.
        batch_size: Rows of mean length in a step.
        least_paired: Rows of a domain that a step should have where it compares two, at least.
        optimizer: `adamw` or `sgd`.
        augment: Kind of augmentation of images.
        class_weights: (K,) weights of the loss, or None.
        patience: Epochs without a better validation score before a phase stops.
        select: Score of (K, K) counts that chooses the best checkpoint.
        deadline: `time.monotonic()` after which no further epoch starts.
        penalty_on_val: Whether a solved head's penalty is chosen on the validation rows;
            not where these are scored as rows held out.
        head_batch_size: Rows in a step of a head with hidden layers.
        above: Parts of the trunk that are frozen wherever the line is.
        threshold: When blocks freeze in the middle of a phase; None = never.
        average: Decay of the moving average that is scored and kept; None = the weights.
        anneal: Whether a phase's rate falls to its end by the deadline; else no epoch starts
            that would not be done by then.
        reserve: Seconds that a pass over the validation rows takes.
        averaging: Seconds that an average takes when all phases have ended.
        views: Different augmentations of each row in a phase that starts with frozen blocks;
            None = another one in each epoch.
        watched: Whether it is kept what proves the freeze; not where the network is thrown
            away, as in folds.
    """

    seed: int
    batch_size: int
    optimizer: Kind
    augment: str
    class_weights: npt.NDArray[np.float32] | None
    patience: int | None
    select: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float64]]
    deadline: float = float("inf")
    penalty_on_val: bool = True
    head_batch_size: int = 64
    above: Above = NOTHING
    threshold: Rule | None = None
    average: float | None = None
    anneal: bool = False
    reserve: float = 0.0
    averaging: float = 0.0
    views: int | None = None
    watched: bool = True
    least_paired: int = 1
