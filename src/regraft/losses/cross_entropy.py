"""Makes the mean cross-entropy of a batch from logits and labels, weighted by class.

Source: none (regraft); the definition is torch's.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.nn import functional


def cross_entropy(logits: Tensor, labels: Tensor, *, weights: Tensor | None = None) -> Tensor:
    """Returns the scalar −Σ w_y log softmax(z)_y / Σ w_y, computed in fp32.

    Args:
        logits: (B, K).
        labels: (B,) numbers of classes.
        weights: (K,) weight of each class; None = 1.
    """
    return functional.cross_entropy(logits.float(), labels, weights)


def balanced_weights(
    labels: npt.NDArray[np.int64],
    classes: int,
    *,
    times: npt.NDArray[np.floating[Any]] | None = None,
) -> npt.NDArray[np.float32]:
    """Returns (K,) weights N / (K n_k), so that every class counts the same.

    A class without rows gets the weight 0.

    Args:
        labels: (N,) numbers of classes.
        classes: K.
        times: (N,) how often each row comes; None = once.
    """
    counts = np.bincount(labels, times, minlength=classes).astype(np.float64)
    present = counts > 0
    weights = np.zeros(classes)
    weights[present] = counts.sum() / (present.sum() * counts[present])
    return weights.astype(np.float32)
