"""Makes features that suit a frozen classifier, from the target alone.

Source: Liang, Hu and Feng 2020, "Do We Really Need to Access the Source Data? Source
Hypothesis Transfer for Unsupervised Domain Adaptation" (SHOT-IM), ICML, arXiv 2002.08546:
the classifier is frozen, and the map maximises the information of its predictions on the
target. We differ: classes are drawn to the target's estimated proportions, not to equal ones.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from regraft.adaptation.domains import Adapted, Domains
from regraft.adaptation.residual import GENTLE, Learner, Pace, Pair, take_steps
from regraft.losses.information import information


@dataclass(frozen=True)
class Shot:
    """The head is frozen; the map in front of it follows the target.

    Args:
        pace: How the map is trained.
    """

    pace: Pace = GENTLE

    def adapt(self, domains: Domains) -> Adapted:
        """Returns map and classifier in one, for either domain: what it forgot is to be seen."""
        learner = Learner(domains, self.pace)
        proportions = torch.from_numpy(domains.proportions).float()

        def loss(pair: Pair) -> Tensor:
            return information(pair.target_logits, proportions=proportions)

        take_steps(learner, loss, pace=self.pace, seed=domains.seed, moving=[])
        return learner.adapted()
