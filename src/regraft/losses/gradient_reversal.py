"""Makes a value whose gradient is turned around, and the strength with which it is.

Source: Ganin, Ustinova, Ajakan, Germain, Larochelle, Laviolette, Marchand and Lempitsky
2016, "Domain-Adversarial Training of Neural Networks", JMLR 17, sections 4.2 and 5.2,
arXiv 1505.07818.
"""

import math

from torch import Tensor

STEEPNESS = 10.0
"""γ of the paper."""


def reverse_gradient(values: Tensor, strength: float) -> Tensor:
    """Returns R(x) = x, of which the gradient is dR/dx = −λ.

    Written as (1 + λ) x − λ x, where the first x has no gradient.

    Args:
        values: Of any shape.
        strength: λ, at least 0.
    """
    return (1 + strength) * values.detach() - strength * values


def adversarial_strength(progress: float) -> float:
    """Returns λ_p = 2 / (1 + exp(−γ p)) − 1, which rises from 0 to 1.

    Early on the domain classifier knows nothing, and its gradient is noise.

    Args:
        progress: p, the share of the training that is done, in [0, 1].

    >>> adversarial_strength(0.0), round(adversarial_strength(1.0), 4)
    (0.0, 0.9999)
    """
    return 2 / (1 + math.exp(-STEEPNESS * progress)) - 1
