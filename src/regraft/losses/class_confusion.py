"""Makes the confusion between classes that unlabelled predictions show.

Source: Jin, Wang, Long and Wang 2020, "Minimum Class Confusion for Versatile Domain
Adaptation" (MCC), ECCV, arXiv 1912.03699.
"""

import torch
from torch import Tensor

TEMPERATURE = 2.5


def class_confusion(logits: Tensor, *, temperature: float = TEMPERATURE) -> Tensor:
    """Returns the scalar mean over classes of the confusion with the others, in [0, 1].

    With Y = softmax(z / T), w_i = B (1 + exp(−H_i)) / Σ (1 + exp(−H)), C = Yᵀ diag(w) Y and
    its rows divided by their sums, it is Σ_{j ≠ k} C_jk / K.

    Args:
        logits: (B, K) z of target rows.
        temperature: T; above 1, so that sure mistakes count less.
    """
    spread = torch.softmax(logits.float() / temperature, dim=1)
    entropy = -torch.special.xlogy(spread, spread).sum(1).detach()
    certain = 1 + torch.exp(-entropy)
    weights = len(logits) * certain / certain.sum()
    pairs = (spread * weights.unsqueeze(1)).T @ spread
    # A class that no row has any probability of is confused with none.
    shares = pairs / pairs.sum(1, keepdim=True).clamp_min(torch.finfo(pairs.dtype).tiny)
    return (shares.sum() - shares.trace()) / logits.shape[1]
