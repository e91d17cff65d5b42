"""Decides which weights are better, by validation rows, and refuses those that are spoilt."""

import numpy as np
import numpy.typing as npt
from torch import nn

from regraft.errors import DivergedError
from regraft.scoring import metrics
from regraft.training.heads.streamed import blocks
from regraft.training.options import Options

Labels = npt.NDArray[np.int64]


def check_finite(network: nn.Module, answers: npt.NDArray[np.float32]) -> None:
    """Refuses a network that training has spoilt.

    Args:
        network: As it would be kept.
        answers: (M, K) its logits of validation rows.

    Raises:
        DivergedError: If a weight, a statistic or an answer is no finite number.
    """
    whole = all(bool(p.isfinite().all()) for p in network.parameters())
    # A buffer may be infinite by design (a mask), but a statistic that is NaN is lost.
    whole = whole and not any(bool(b.isnan().any()) for b in network.buffers())
    if not whole or not np.isfinite(answers).all():
        raise _diverged()


def check_features(features: npt.NDArray[np.float32]) -> None:
    """Refuses features that no head can be solved on, as training has spoilt the trunk.

    Args:
        features: (N, D), perhaps mapped.

    Raises:
        DivergedError: If one of them is no finite number.
    """
    if not all(bool(np.isfinite(block).all()) for block in blocks(features)):
        raise _diverged()


def _diverged() -> DivergedError:
    return DivergedError(
        "the training diverged: weights or answers are no finite numbers any more",
        expected="a rate at which the loss falls",
        hint="a smaller --lr",
    )


def selection_key(
    val_logits: npt.NDArray[np.float32], labels: Labels, *, options: Options
) -> tuple[float, float]:
    """Returns what is made large: the selecting score, then minus the log loss.

    Logits that are not finite are worse than any others.
    """
    if not len(labels):
        return (0.0, 0.0)
    if not np.isfinite(val_logits).all():
        return (-np.inf, -np.inf)
    probabilities = metrics.softmax(val_logits)
    counts = metrics.confusion(labels, probabilities.argmax(axis=1), classes=val_logits.shape[1])
    losses = metrics.row_losses(probabilities, labels)
    return (float(options.select(counts)), -float(losses.mean()))
