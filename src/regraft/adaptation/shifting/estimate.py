"""Estimates a classifier's accuracy on the target from signs, none of them a label.

Four signs are reported; the figure and its interval come from two of them, agreement and the
difference of confidences (`combined`).

Source: none (regraft) for the combination; each sign has its own module with its paper.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regraft.adaptation.shifting.agreement import (
    agreement,
    held_out_agreement,
    scaled_agreement,
)
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
        twins: (N,) share of twins that agree, on source rows.
        asked_twins: (L,) the same on the target's.
    """

    right: Bools
    weights: Floats
    known: Floats
    asked: Floats
    twins: Floats
    asked_twins: Floats

    def drawn(self, generator: np.random.Generator) -> "Signs":
        """Returns as many rows of each domain, drawn with replacement."""
        first, second, third = (
            generator.integers(0, len(each), size=len(each))
            for each in (self.right, self.asked, self.twins)
        )
        return Signs(
            self.right[first],
            self.weights[first],
            self.known[first],
            self.asked[second],
            self.twins[third],
            self.asked_twins[second],
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
    twins: tuple[Labelled, Indices],
    answers: tuple[Known, Features],
    *,
    target: tuple[Features, Features],
    recipe: Recipe,
    seed: int,
) -> Estimate:
    """Returns the estimate of a classifier's accuracy on rows without labels.

    Args:
        twins: (N, D) labelled source rows, from which twins learn, and their (N,) folds.
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
        held_out_agreement(twins[0], recipe, folds=twins[1], seed=seed),
        agreement(twins[0], asked, recipe=recipe, seed=seed),
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
        "agreement": scaled_agreement(signs.right, signs.twins, asked=signs.asked_twins),
    }


REACH = 0.12
"""Gap between agreement and confidence at which confidence has lost most of its say."""
DOUBT = 0.5
"""Part of that gap that the interval is wider by, on either side."""


def combined(methods: dict[str, float]) -> float:
    """Returns one figure from two of the estimates: a + w (c − a), w = ½ exp(−((c − a) / r)²).

    Near the source agreement a and confidence c are right alike, and their mean is surer than
    either; far from it confidence stays high and is wrong. `bench/shift.py` says on which
    pairs r was chosen.

    Args:
        methods: From `estimates`; the other two are reported beside it.
    """
    agreed = methods["agreement"]
    gap = methods["confidence_difference"] - agreed
    return agreed + 0.5 * math.exp(-((gap / REACH) ** 2)) * gap


def _with_interval(signs: Signs, seed: int) -> Score:
    """Returns the combined figure; its interval, a bootstrap, is wider where its signs part."""
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
