"""Makes the loss of predictions that are unsure, or that forget classes.

Source: Liang, Hu and Feng 2020, "Do We Really Need to Access the Source Data? Source
Hypothesis Transfer for Unsupervised Domain Adaptation" (SHOT), ICML, equation 3, arXiv
2002.08546; after Krause, Perona and Gomes 2010, "Discriminative Clustering by Regularized
Information Maximization". We differ: the mean prediction is drawn to given class
proportions, which in the paper are equal ones.
"""

import torch
from torch import Tensor


def information(logits: Tensor, *, proportions: Tensor) -> Tensor:
    """Returns the scalar mean H(p) + Σ m log (m / q), with m the mean of p, in nats.

    Args:
        logits: (B, K) of target rows, p = softmax(z).
        proportions: (K,) q, all above 0 and 1 in sum.
    """
    # A softmax that underflows has a log of minus infinity: times 0 its gradient is no number.
    logs = torch.log_softmax(logits.float(), dim=1)
    spread = logs.exp()
    entropy = -(spread * logs).sum(1).mean()
    mean = spread.mean(0)
    least = torch.finfo(mean.dtype).tiny
    apart = (mean * (mean.clamp(min=least).log() - proportions.log())).sum()
    loss: Tensor = entropy + apart
    return loss
