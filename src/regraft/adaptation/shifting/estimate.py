"""Estimates a classifier's accuracy on the target from four signs, none of them a label.

Source: none (regraft) for the combination; each sign has its own module with its paper.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regraft.adaptation.shifting.agreement import agreement
from regraft.adaptation.shifting.confidence import (
    confidence_difference,
    negative_entropy,
    thresholded,
)
from regraft.adaptation.shifting.held_out import Known, Recipe, confidences
from regraft.adaptation.shifting.importance import (
    density_ratios,
    effective_share,
    weighted_accuracy,
)
from regraft.scoring.intervals import Score, around, wilson
from regraft.training.heads.probe import Features, Labelled

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]
REPEATS = 200
"""Resamples of the rows of both domains."""


@dataclass(frozen=True)
class Signs:
    """What is seen of M labelled source rows, and of L target rows without labels.

    Args:
        right: (M,) whether the answer is right.
        weights: (M,) how much more the target has of such rows.
        known: (M, 2) largest probability and negative entropy.
        asked: (L, 2) the same of the target's.
        agreed: (L,) share of twins that agree.
    """

    right: Bools
    weights: Floats
    known: Floats
    asked: Floats
    agreed: Floats

    def drawn(self, generator: np.random.Generator) -> "Signs":
        """Returns as many rows of each domain, drawn with replacement."""
        first = generator.integers(0, len(self.right), size=len(self.right))
        second = generator.integers(0, len(self.agreed), size=len(self.agreed))
        return Signs(
            self.right[first],
            self.weights[first],
            self.known[first],
            self.asked[second],
            self.agreed[second],
        )


@dataclass(frozen=True)
class Estimate:
    """What a classifier of the source is expected to score on the target.

    Args:
        accuracy: The combined figure.
        source: Its accuracy on source rows that it has not learnt from.
        methods: The single estimates, by name.
        effective_share: Of the source rows, what they are worth once they are weighted.
    """

    accuracy: Score
    source: Score
    methods: dict[str, float]
    effective_share: float


def estimate_accuracy(
    rows: Labelled,
    answers: tuple[Known, Features],
    *,
    target: tuple[Features, Features],
    recipe: Recipe,
    seed: int,
) -> Estimate:
    """Returns the estimate of a classifier's accuracy on rows without labels.

    Args:
        rows: (N, D) labelled source rows, from which twins learn.
        answers: The classifier's to M source rows that it has not learnt from, and their
            (M, D) features.
        target: (L, K) its logits of the target rows, and their (L, D) features.
        recipe: How the classifier is made.
        seed: Of everything random.
    """
    (known, features), (logits, asked) = answers, target
    heat = known.temperature
    signs = Signs(
        known.right,
        density_ratios(features, asked, seed=seed),
        _sureness(confidences(known.logits, heat)),
        _sureness(confidences(logits, heat)),
        agreement(rows, asked, recipe=recipe, seed=seed),
    )
    methods = estimates(signs)
    source = wilson(int(known.right.sum()), len(known.right))
    return Estimate(_with_interval(signs, seed), source, methods, effective_share(signs.weights))


def estimates(signs: Signs) -> dict[str, float]:
    """Returns the single estimates, each in [0, 1]."""
    known, asked = signs.known.T, signs.asked.T
    return {
        "importance_weighted": weighted_accuracy(signs.right, signs.weights),
        "thresholded_confidence": thresholded(known[1], signs.right, asked=asked[1]),
        "confidence_difference": confidence_difference(known[0], signs.right, asked=asked[0]),
        "agreement": float(signs.agreed.mean()),
    }


WEIGHTS = {"agreement": 0.75, "confidence_difference": 0.25}
"""Of the single estimates in the combined one: tuned on pairs that `bench/shift.py` lists."""
DOUBT = 0.5
"""Part of the gap between these two that the interval is wider by, on either side."""


def combined(methods: dict[str, float]) -> float:
    """Returns one figure from the single estimates, in [0, 1]."""
    return sum(weight * methods[name] for name, weight in WEIGHTS.items())


def _with_interval(signs: Signs, seed: int) -> Score:
    """Returns the combined figure; its interval is a bootstrap, and wider where signs part."""
    generator = np.random.default_rng(seed)
    methods = estimates(signs)
    drawn = [combined(estimates(signs.drawn(generator))) for _ in range(REPEATS)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    doubt = DOUBT * abs(methods["agreement"] - methods["confidence_difference"])
    value = combined(methods)
    return around(value, (max(0.0, float(low) - doubt), min(1.0, float(high) + doubt)))


def _sureness(probabilities: Floats) -> Floats:
    """Returns (N, 2) the largest probability and the negative entropy of each row."""
    return np.stack([probabilities.max(axis=1), negative_entropy(probabilities)], axis=1)
