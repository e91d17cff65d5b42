"""Makes the loss of a domain classifier that sees features together with predictions.

Source: Long, Cao, Wang and Jordan 2018, "Conditional Adversarial Domain Adaptation"
(CDAN+E: multilinear conditioning, entropy conditioning), NeurIPS, arXiv 1705.10667. We differ by
the half: equations 4 and 5 add the two domains' means, we take their mean, as in
`domain_adversarial`.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional


def multilinear(features: Tensor, probabilities: Tensor) -> Tensor:
    """Returns (B, K·D) the outer product g ⊗ f of each row, class by class.

    Args:
        features: (B, D) f.
        probabilities: (B, K) g.
    """
    product = probabilities.unsqueeze(2) * features.unsqueeze(1)
    return product.flatten(1)


def random_multilinear(
    features: Tensor, probabilities: Tensor, *, maps: tuple[Tensor, Tensor]
) -> Tensor:
    """Returns (B, d) the randomised T(f, g) = (R_f f) ⊙ (R_g g) / √d.

    Args:
        features: (B, D) f.
        probabilities: (B, K) g.
        maps: (D, d) R_f and (K, d) R_g, drawn once.
    """
    of_features, of_classes = maps
    return (features @ of_features) * (probabilities @ of_classes) / math.sqrt(len(of_features.T))


def entropy_weights(probabilities: Tensor) -> Tensor:
    """Returns (B,) weights 1 + exp(−H(g)): rows that are easy to tell count more.

    Args:
        probabilities: (B, K) g; no gradient flows through the weights.
    """
    known = probabilities.detach().float()
    entropy = -torch.special.xlogy(known, known).sum(1)
    return 1 + torch.exp(-entropy)


def conditional_adversarial(
    source: Tensor, target: Tensor, *, source_weights: Tensor, target_weights: Tensor
) -> Tensor:
    """Returns the scalar −½ (Σ w log σ(s) / Σ w + Σ v log (1 − σ(t)) / Σ v), in fp32.

    Args:
        source: (B,) scores s of source rows.
        target: (C,) scores t of target rows.
        source_weights: (B,) w.
        target_weights: (C,) v.
    """
    missed = functional.softplus(-source.float())
    taken = functional.softplus(target.float())
    first = (source_weights * missed).sum() / source_weights.sum()
    second = (target_weights * taken).sum() / target_weights.sum()
    return (first + second) / 2
