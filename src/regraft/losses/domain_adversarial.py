"""Makes the loss of a domain classifier from its scores of source and target rows.

Source: Ganin, Ustinova, Ajakan, Germain, Larochelle, Laviolette, Marchand and Lempitsky
2016, "Domain-Adversarial Training of Neural Networks" (DANN), JMLR 17, arXiv 1505.07818:
L_d = −d log G(f) − (1 − d) log (1 − G(f)), its mean taken in each domain. We differ by the half:
equations 9 and 10 add the two means, we take their mean, so `weight` 2 is the paper's 1.
"""

from torch import Tensor
from torch.nn import functional


def domain_adversarial(source: Tensor, target: Tensor) -> Tensor:
    """Returns the scalar −½ (mean log σ(s) + mean log (1 − σ(t))), computed in fp32.

    Args:
        source: (B,) scores s of source rows; the classifier makes them large.
        target: (C,) scores t of target rows; it makes them small.
    """
    missed = functional.softplus(-source.float()).mean()
    taken = functional.softplus(target.float()).mean()
    return (missed + taken) / 2
