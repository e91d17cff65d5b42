"""Makes features from which a classifier cannot tell the domain.

Source: Ganin, Ustinova, Ajakan, Germain, Larochelle, Laviolette, Marchand and Lempitsky
2016, "Domain-Adversarial Training of Neural Networks" (DANN), JMLR 17, arXiv 1505.07818:
L = L_y + w L_d with the gradient of L_d reversed, times λ_p, where it enters the features.
"""

from dataclasses import dataclass

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
from regraft.losses.domain_adversarial import domain_adversarial
from regraft.losses.gradient_reversal import adversarial_strength, reverse_gradient


@dataclass(frozen=True)
class Dann:
    """A domain classifier plays against the map.

    Args:
        hidden: Width of the domain classifier's bottleneck.
        weight: w, of its loss.
        pace: How the map is trained.
    """

    hidden: int = 64
    weight: float = 1.0
    pace: Pace = GENTLE

    def adapt(self, domains: Domains) -> Adapted:
        """Returns map and classifier in one."""
        width = mapped_width(domains)
        judge = domain_classifier(width, self.hidden, seed=domains.seed)

        def term(pair: Pair) -> Tensor:
            strength = adversarial_strength(pair.progress)
            source, target = (
                judge(reverse_gradient(rows, strength)).squeeze(1)
                for rows in (pair.source, pair.target)
            )
            return self.weight * domain_adversarial(source, target)

        return learn_map(domains, term, pace=self.pace, beside=judge)
