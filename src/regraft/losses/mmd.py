"""Makes the squared maximum mean discrepancy of two samples, under several kernels.

Source: Gretton, Borgwardt, Rasch, Schölkopf and Smola 2012, "A Kernel Two-Sample Test",
JMLR 13, equation 5 (the biased estimate); several kernels after Long, Cao, Wang and
Jordan 2015, "Learning Transferable Features with Deep Adaptation Networks" (DAN), ICML,
arXiv 1502.02791. Their weights are equal here.
"""

import torch
from torch import Tensor

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Widths of the kernels, in mean squared distances between rows."""


def mmd(source: Tensor, target: Tensor) -> Tensor:
    """Returns the scalar mean k(s, s') + mean k(t, t') − 2 mean k(s, t), in fp32.

    k is the mean over the factors c of exp(−‖x − y‖² / (c m)), m the mean squared distance
    of two different rows, taken as a constant.

    Args:
        source: (B, D).
        target: (C, D).
    """
    rows = torch.cat([source, target]).float()
    squares = _squared_distances(rows)
    count = len(rows)
    mean = squares.detach().sum() / max(count * (count - 1), 1)
    width = mean.clamp(min=1e-12)
    kernels = torch.stack([torch.exp(-squares / (factor * width)) for factor in FACTORS]).mean(0)
    first = len(source)
    within = kernels[:first, :first].mean() + kernels[first:, first:].mean()
    return within - 2 * kernels[:first, first:].mean()


def _squared_distances(rows: Tensor) -> Tensor:
    """Returns (N, N); cdist's own gradient is not defined where two rows are equal."""
    norms = rows.square().sum(1)
    return (norms.unsqueeze(0) + norms.unsqueeze(1) - 2 * rows @ rows.T).clamp(min=0)
