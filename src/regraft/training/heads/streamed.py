"""Makes a linear classifier on more features than fit into memory, block by block."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Features = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
BLOCK = 16_384
"""Rows that are looked at together."""
STEPS = 200
STILL = 1e-3
"""Largest component of the gradient of the mean loss at which the search ends."""


def moments(features: Features) -> tuple[Numbers, Numbers]:
    """Returns (D,) mean and (D,) standard deviation of (N, D) features.

    The second pass takes deviations from the mean: squares of large numbers would cancel.
    """
    mean = sum(block.sum(axis=0, dtype=np.float64) for block in blocks(features)) / len(features)
    squares = (np.square(block - mean).sum(axis=0, dtype=np.float64) for block in blocks(features))
    return mean, np.sqrt(sum(squares) / len(features))


def blocks(features: Features) -> Iterator[Features]:
    """Yields the rows in order, some at a time."""
    for start in range(0, len(features), BLOCK):
        yield features[start : start + BLOCK]


@dataclass(frozen=True)
class Streamed:
    """Logistic regression whose rows are read from where they lie, in each step of the search.

    f(W, b) = Σ w_i CE_i / Σ w_i + ‖W‖² / (2 C Σ w_i), as scikit-learn has it; with two
    classes one row of weights stands for both, as there.

    Args:
        features: (N, D), perhaps mapped.
        labels: (N,) numbers from 0 to K − 1, every class among them.
        shift: (D,) taken from the features.
        scale: (D,) that they are multiplied by.
        strength: Inverse penalty C.
        weights: (N,) of each row, or None.
    """

    features: Features
    labels: Labels
    shift: Features
    scale: Features
    strength: float
    weights: Features | None = None

    def solve(self) -> tuple[Numbers, Numbers]:
        """Returns (K, D) weights and (K,) biases; (1, D) and (1,) for two classes."""
        from scipy.optimize import minimize

        width = self.features.shape[1]
        start = np.zeros(self._logits * (width + 1))
        options = {"maxiter": STEPS, "gtol": STILL, "ftol": 64 * np.finfo(float).eps}
        found = minimize(self._loss, start, method="L-BFGS-B", jac=True, options=options)
        weight, bias = self._parts(found.x)
        return weight, bias

    @property
    def _logits(self) -> int:
        classes = int(self.labels.max()) + 1
        return 1 if classes == 2 else classes

    def _parts(self, flat: Numbers) -> tuple[Numbers, Numbers]:
        table = flat.reshape(self._logits, -1)
        return table[:, :-1], table[:, -1]

    def _loss(self, flat: Numbers) -> tuple[float, Numbers]:
        weight, bias = self._parts(flat)
        total, mass = 0.0, 0.0
        slope = np.zeros_like(flat).reshape(self._logits, -1)
        for start in range(0, len(self.features), BLOCK):
            rows = slice(start, start + BLOCK)
            scaled = (self.features[rows] - self.shift) * self.scale
            logits = scaled @ weight.T.astype(np.float32) + bias
            losses, errors = _errors(logits.astype(np.float64), self.labels[rows])
            if self.weights is not None:
                losses = losses * self.weights[rows]
                errors = errors * self.weights[rows, None]
            total += float(losses.sum())
            mass += float(len(losses) if self.weights is None else self.weights[rows].sum())
            slope[:, :-1] += errors.T.astype(np.float32) @ scaled
            slope[:, -1] += errors.sum(axis=0)
        penalty = 1 / (self.strength * mass)
        slope /= mass
        slope[:, :-1] += penalty * weight
        return total / mass + penalty * float((weight**2).sum()) / 2, slope.ravel()


def _errors(logits: Numbers, labels: Labels) -> tuple[Numbers, Numbers]:
    """Returns (B,) losses and (B, K) slopes by the logits; (B, 1) for two classes."""
    if logits.shape[1] == 1:
        signed = np.where(labels == 1, logits[:, 0], -logits[:, 0])
        wrong = 1 / (1 + np.exp(np.clip(signed, -500, 500)))
        return np.logaddexp(0, -signed), np.where(labels == 1, -wrong, wrong)[:, None]
    lifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(lifted).sum(axis=1))
    rows = np.arange(len(labels))
    slopes = np.exp(lifted - log_sum[:, None])
    losses = log_sum - lifted[rows, labels]
    slopes[rows, labels] -= 1
    return losses, slopes
