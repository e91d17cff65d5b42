"""Makes features from which, with the prediction beside them, the domain cannot be told.

Source: Long, Cao, Wang and Jordan 2018, "Conditional Adversarial Domain Adaptation"
(CDAN+E), NeurIPS, arXiv 1705.10667: the domain classifier sees T(f, g) = f ⊗ g, or, where
that is wider than 4,096, the randomised T(f, g) = (R_f f) ⊙ (R_g g) / √d.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from regraft.adaptation.domains import Adapted, Domains
from regraft.adaptation.residual import (
    GENTLE,
    Pace,
    Pair,
    domain_classifier,
    learn_map,
    mapped_width,
)
from regraft.losses.conditional_adversarial import (
    conditional_adversarial,
    entropy_weights,
    multilinear,
    random_multilinear,
)
from regraft.losses.gradient_reversal import adversarial_strength, reverse_gradient

WIDEST = 4096
"""Width of f ⊗ g above which it is drawn at random; the paper's."""
Conditioning = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Cdan:
    """A domain classifier of features and predictions plays against the map.

    Args:
        hidden: Width of the domain classifier's bottleneck.
        weight: Of its loss.
        random: d, the width of the randomised conditioning.
        pace: How the map is trained.
    """

    hidden: int = 64
    weight: float = 1.0
    random: int = 1024
    pace: Pace = GENTLE

    def adapt(self, domains: Domains) -> Adapted:
        """Returns map and classifier in one."""
        width, classes = mapped_width(domains), domains.classes
        condition: Conditioning = multilinear
        seen = width * classes
        if seen > WIDEST:
            condition = randomised(width, classes, wide=self.random, seed=domains.seed)
            seen = self.random
        judge = domain_classifier(seen, self.hidden, seed=domains.seed)

        def scored(rows: Tensor, logits: Tensor, strength: float) -> tuple[Tensor, Tensor]:
            # The prediction is given, not played for: no gradient goes through it.
            given = torch.softmax(logits, dim=1).detach()
            joint = condition(reverse_gradient(rows, strength), given)
            return judge(joint).squeeze(1), entropy_weights(given)

        def term(pair: Pair) -> Tensor:
            strength = adversarial_strength(pair.progress)
            source, sure = scored(pair.source, pair.source_logits, strength)
            target, sure_too = scored(pair.target, pair.target_logits, strength)
            loss = conditional_adversarial(
                source, target, source_weights=sure, target_weights=sure_too
            )
            return self.weight * loss

        return learn_map(domains, term, pace=self.pace, beside=judge)


def randomised(width: int, classes: int, *, wide: int, seed: int) -> Conditioning:
    """Returns T(f, g) = (R_f f) ⊙ (R_g g) / √d with R of the standard normal, drawn once.

    Args:
        width: D, of f.
        classes: K, of g.
        wide: d.
        seed: Of R_f and R_g.
    """
    generator = torch.Generator().manual_seed(seed)
    of_features = torch.randn(width, wide, generator=generator)
    of_classes = torch.randn(classes, wide, generator=generator)

    def condition(features: Tensor, probabilities: Tensor) -> Tensor:
        return random_multilinear(features, probabilities, maps=(of_features, of_classes))

    return condition
