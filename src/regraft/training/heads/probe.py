"""Makes a linear classifier on pooled features by L-BFGS, its strength chosen."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regraft.scoring import metrics
from regraft.training.heads.streamed import Streamed, blocks, moments

Features = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
STRENGTHS = (0.001, 0.01, 0.1)
"""Inverse penalties tried where there are validation rows."""
USUAL_STRENGTH = 0.01
STILL = 0.1
"""Share of the mean deviation below which a feature counts as still."""
AT_ONCE = 2**26
"""Numbers of features (a quarter of a GB) up to which a copy of all of them is made."""
ABSENT = -20.0
"""Bias of a class without training rows: its probability is nil, its logit finite."""


@dataclass(frozen=True)
class LinearProbe:
    """z = W ((x − shift) · scale) + b.

    Args:
        shift: (D,) mean of the training features.
        scale: (D,) one over their standard deviation.
        weight: (K, D).
        bias: (K,).
        strength: Inverse penalty C of the fit.
    """

    shift: Features
    scale: Features
    weight: Features
    bias: Features
    strength: float

    def logits(self, features: Features) -> Features:
        """Returns (N, K) logits of (N, D) features."""
        scaled = (features - self.shift) * self.scale
        return np.asarray(scaled @ self.weight.T + self.bias, np.float32)


@dataclass(frozen=True)
class Labelled:
    """(N, D) features with their (N,) labels."""

    features: Features
    labels: Labels


def fit_probe(
    train: Labelled,
    classes: int,
    *,
    val: Labelled | None = None,
    weights: Features | None = None,
) -> LinearProbe:
    """Returns the multinomial logistic regression on standardised features.

    Args:
        train: Rows to fit.
        classes: K; a class without rows is never predicted.
        val: Rows that choose the penalty; None = the usual one.
        weights: (K,) weight of each class in the loss.
    """
    strengths = STRENGTHS if val is not None and len(val.labels) else (USUAL_STRENGTH,)
    probes = [_solve(train, classes, strength, weights) for strength in strengths]
    if len(probes) == 1 or val is None:
        return probes[0]
    return min(probes, key=lambda probe: _badness(probe, val))


def standard_scale(features: Features) -> Features:
    """Returns (D,) one over the standard deviations, those of still features held down.

    A channel that is dead on these rows has no deviation to speak of. Divided by it, the
    first twitch of a tuned trunk would become a number in the millions.

    Args:
        features: (N, D) of the training rows.
    """
    return _scale(moments(features)[1])


def _scale(deviations: npt.NDArray[np.float64]) -> Features:
    floor = max(STILL * float(deviations.mean()), 1e-6)
    result: Features = (1 / np.maximum(deviations, floor)).astype(np.float32)
    return result


def _badness(probe: LinearProbe, val: Labelled) -> tuple[float, float]:
    logits = np.concatenate([probe.logits(block) for block in blocks(val.features)])
    probabilities = metrics.softmax(logits)
    wrong = float((probabilities.argmax(axis=1) != val.labels).mean())
    return wrong, float(metrics.row_losses(probabilities, val.labels).mean())


def _solve(train: Labelled, classes: int, strength: float, weights: Features | None) -> LinearProbe:
    mean, deviations = moments(train.features)
    shift, scale = mean.astype(np.float32), _scale(deviations)
    present = np.unique(train.labels)
    weight = np.zeros((classes, train.features.shape[1]), np.float32)
    bias = np.full(classes, ABSENT, np.float32)
    if len(present) == 1:
        bias[present] = 0
        return LinearProbe(shift, scale, weight, bias, strength)
    found = _regression(train, (shift, scale), strength, weights)
    weight[present], bias[present] = _both_sides(*found)
    return LinearProbe(shift, scale, weight, bias, strength)


def _regression(
    train: Labelled, standard: tuple[Features, Features], strength: float, weights: Features | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Returns weights and biases of the classes that have rows, by scikit-learn or in blocks."""
    from sklearn.linear_model import LogisticRegression

    per_row = None if weights is None else weights[train.labels]
    shift, scale = standard
    if train.features.size > AT_ONCE:
        numbers = np.unique(train.labels, return_inverse=True)[1].astype(np.int64)
        return Streamed(train.features, numbers, shift, scale, strength, per_row).solve()
    model = LogisticRegression(C=strength, max_iter=200, tol=1e-3)
    model.fit((train.features - shift) * scale, train.labels, sample_weight=per_row)
    return model.coef_, model.intercept_


def _both_sides(
    weight: npt.NDArray[np.float64], bias: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Returns a row for each class; scikit-learn gives two classes a single one."""
    if len(weight) > 1:
        return weight, bias
    return np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
