"""Makes features and predictions onto which source rows and labels are moved cheaply.

Source: Courty, Flamary, Habrard and Rakotomamonjy 2017, "Joint distribution optimal
transportation for domain adaptation" (JDOT), arXiv 1705.08848; by batches of features after
Damodaran, Kellenberger, Flamary, Tuia and Courty 2018, "DeepJDOT", algorithm 1, arXiv
1803.10081: L = L_y + w min_γ Σ γ_ij C_ij, in turn over γ and over map and classifier. A step
has as many rows of either domain, each of the same weight: then some best plan moves every
source row onto one target row whole (Birkhoff 1946), and finding it is an assignment, which
scipy solves exactly. So the package POT is not needed.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regraft.adaptation.domains import Adapted, Domains
from regraft.adaptation.numbers import NotFiniteError
from regraft.adaptation.residual import GENTLE, Pace, Pair, learn_map, mapped_width
from regraft.losses.joint_transport import joint_cost, transported

Square = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Jdot:
    """The cost of the best plan is made small, beside the loss of the source.

    Args:
        weight: w.
        alpha: α, of the distance of features in the cost.
        scale: λ, of the cross-entropy in the cost.
        pace: How the map is trained.
    """

    weight: float = 1.0
    alpha: float = 1.0
    scale: float = 1.0
    pace: Pace = GENTLE

    def adapt(self, domains: Domains) -> Adapted:
        """Returns map and classifier in one."""
        # The distance is a mean over all features: what lies across the map's directions is 0.
        alpha = self.alpha * mapped_width(domains) / domains.target.shape[1]

        def term(pair: Pair) -> Tensor:
            cost = joint_cost(
                pair.source,
                pair.target,
                labels=pair.labels,
                target_logits=pair.target_logits,
                alpha=alpha,
                scale=self.scale,
            )
            plan = torch.from_numpy(best_plan(cost.detach().double().numpy()))
            return self.weight * transported(cost, plan.to(cost))

        return learn_map(domains, term, pace=self.pace)


def best_plan(cost: Square) -> Square:
    """Returns (B, B) the γ of least Σ γ_ij C_ij whose rows and columns sum to 1 / B.

    >>> best_plan(np.array([[1.0, 2.0], [1.0, 4.0]])).tolist()
    [[0.0, 0.5], [0.5, 0.0]]

    Args:
        cost: (B, B) C.

    Raises:
        NotFiniteError: If a cost is no finite number.
    """
    from scipy.optimize import linear_sum_assignment

    if not np.isfinite(cost).all():
        raise NotFiniteError
    plan = np.zeros_like(cost)
    plan[linear_sum_assignment(cost)] = 1 / len(cost)
    return plan
