"""Makes a classifier's answers to labelled rows that it has not learnt from, fold by fold.

Source: none (regraft). The source's validation part is small where the source is, and an
estimate is no better than the answers it starts from: so every row is left out once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regraft.adaptation.proportions import temperature
from regraft.adaptation.scaling import scaling_of
from regraft.adaptation.solver import balanced_rows, solve
from regraft.scoring.metrics import softmax
from regraft.training.heads.probe import Features, Labelled, LinearProbe

Indices = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Recipe:
    """How the source-only classifier is made, so that it can be made of other rows.

    Args:
        classes: K.
        strength: Inverse penalty.
        class_weights: (K,) weight of each class in the loss; None = equal ones.
    """

    classes: int
    strength: float
    class_weights: Features | None = None

    def fit(self, rows: Labelled) -> LinearProbe:
        """Returns the classifier of these rows.

        Args:
            rows: (N, D) features and labels.
        """
        scaling = scaling_of(rows.features)
        weights = None
        if self.class_weights is not None:
            weights = balanced_rows(rows.labels, self.class_weights)
        scaled = Labelled(scaling.apply(rows.features), rows.labels)
        weight, bias = solve(scaled, self.classes, strength=self.strength, weights=weights)
        return LinearProbe(scaling.shift, scaling.scale, weight, bias, self.strength)


@dataclass(frozen=True)
class Known:
    """Answers to M labelled source rows that the classifier has not learnt from.

    Args:
        logits: (M, K).
        labels: (M,).
    """

    logits: Features
    labels: Indices

    @property
    def right(self) -> Bools:
        """(M,) whether the answer is the label."""
        return np.asarray(self.logits.argmax(axis=1) == self.labels)

    @property
    def temperature(self) -> float:
        """That which makes the answers' probabilities most likely."""
        return temperature(self.logits, self.labels)


def held_out(rows: Labelled, recipe: Recipe, *, folds: Indices) -> Known:
    """Returns the answers to all rows, each by a classifier of the other folds.

    Args:
        rows: (N, D) features and labels.
        recipe: Of the classifier.
        folds: (N,) fold of each row; equal rows share one.
    """
    logits = np.zeros((len(rows.labels), recipe.classes), np.float32)
    for fold in np.unique(folds):
        held = folds == fold
        seen = Labelled(rows.features[~held], rows.labels[~held])
        logits[held] = recipe.fit(seen).logits(rows.features[held])
    return Known(logits, rows.labels)


def confidences(logits: Features, heat: float) -> npt.NDArray[np.float64]:
    """Returns (N, K) probabilities softmax(z / T).

    Args:
        logits: (N, K) z.
        heat: T.
    """
    return softmax(logits / np.float32(heat))


def picked(rows: Labelled, chosen: Sequence[int] | Indices) -> Labelled:
    """Returns some of the rows, in the order chosen."""
    return Labelled(rows.features[chosen], rows.labels[chosen])
