"""Makes a number that is small where rows of one class are alike and others are not.

Source: Reimers and Gurevych 2019, "Sentence-BERT", arXiv 1908.10084, section 3 (regression
on the cosine), with the targets 1 and 0 of Tunstall et al. 2022 (SetFit), arXiv 2209.11055.
"""

import torch
from torch import Tensor
from torch.nn import functional


def pair_loss(features: Tensor, labels: Tensor) -> Tensor:
    """Returns the scalar mean of (cos(u, v) − 1)² over pairs of one class and of cos² over others.

    All pairs of the batch are taken; both kinds weigh the same, however many there are. A
    batch without any pair gives 0.

    Args:
        features: (B, D).
        labels: (B,) numbers of classes.
    """
    unit = functional.normalize(features.float(), dim=1)
    cosines = unit @ unit.T
    upper = torch.ones_like(cosines, dtype=torch.bool).triu(1)
    same = labels[:, None] == labels[None, :]
    kinds = [((cosines - 1) ** 2)[upper & same], (cosines**2)[upper & ~same]]
    means = [errors.mean() for errors in kinds if len(errors)]
    return torch.stack(means).mean() if means else 0.0 * features.sum()
