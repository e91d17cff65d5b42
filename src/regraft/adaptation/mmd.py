"""Makes features whose distributions in both domains are near, under several kernels.

Source: Long, Cao, Wang and Jordan 2015, "Learning Transferable Features with Deep
Adaptation Networks" (DAN), ICML, arXiv 1502.02791: L = L_y + w MMD²(g(X_S), g(X_T)).
"""

from dataclasses import dataclass

from torch import Tensor

from regraft.adaptation.domains import Adapted, Domains
from regraft.adaptation.residual import GENTLE, Pace, Pair, learn_map
from regraft.losses.mmd import mmd


@dataclass(frozen=True)
class Mmd:
    """The maximum mean discrepancy is made small, beside the loss of the source.

    Args:
        weight: w.
        pace: How the map is trained.
    """

    weight: float = 3.0
    pace: Pace = GENTLE

    def adapt(self, domains: Domains) -> Adapted:
        """Returns map and classifier in one."""

        def term(pair: Pair) -> Tensor:
            return self.weight * mmd(pair.source, pair.target)

        return learn_map(domains, term, pace=self.pace)
