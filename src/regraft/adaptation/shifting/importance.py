"""Estimates accuracy on the target from labelled source rows that look like the target's.

Source: Sugiyama, Krauledat and Müller 2007, "Covariate Shift Adaptation by Importance
Weighted Cross Validation", JMLR 8, equation 6, with weights that sum to the rows; the ratio
of densities from a domain classifier after Bickel, Brückner and Scheffer 2009 (JMLR 10), each
row judged by one that has not seen it.
"""

import numpy as np
import numpy.typing as npt

from regraft.adaptation.scaling import scaling_of
from regraft.adaptation.shifting.held_out import Recipe, held_out
from regraft.scoring.metrics import softmax
from regraft.training.heads.probe import Features, Labelled

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
FOLDS = 5
STRENGTH = 0.001
"""Inverse penalty of the domain classifier: a sure one gives wild odds."""
MOST, LEAST = 20.0, 0.05
"""Weights stay between these, or a few rows would decide alone."""


def density_ratios(source: Features, target: Features, *, seed: int) -> Floats:
    """Returns (N,) w(x) = p_T(x) / p_S(x) = (N / L) · P(target | x) / P(source | x).

    Args:
        source: (N, D) features.
        target: (L, D) features.
        seed: Of the folds.
    """
    pooled = np.concatenate([source, target])
    rows = Labelled(
        scaling_of(pooled).apply(pooled), np.repeat(np.array([0, 1]), [len(source), len(target)])
    )
    folds = np.random.default_rng(seed).permutation(len(pooled)) % FOLDS
    known = held_out(rows, Recipe(2, STRENGTH), folds=folds)
    seen = softmax(known.logits[: len(source)])
    ratio = len(source) / len(target) * seen[:, 1] / np.maximum(seen[:, 0], 1e-12)
    return np.asarray(ratio.clip(LEAST, MOST))


def weighted_accuracy(right: Bools, weights: Floats) -> float:
    """Returns Σ w · right / Σ w.

    Args:
        right: (N,) whether the answer to a labelled row is right.
        weights: (N,) w, above 0.
    """
    return float(np.average(right, weights=weights))


def effective_share(weights: Floats) -> float:
    """Returns (Σ w)² / (N Σ w²): the share of rows that weighted ones are worth.

    Source: Kish 1965, "Survey Sampling", section 11.7.
    """
    return float(weights.sum() ** 2 / (len(weights) * (weights**2).sum()))
