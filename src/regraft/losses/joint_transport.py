"""Makes the cost of moving source rows and labels onto target rows and predictions.

Source: Courty, Flamary, Habrard and Rakotomamonjy 2017, "Joint distribution optimal
transportation for domain adaptation" (JDOT), NeurIPS, equation 3, arXiv 1705.08848; its form
for features after Damodaran, Kellenberger, Flamary, Tuia and Courty 2018, "DeepJDOT", ECCV,
equation 4, arXiv 1803.10081: C_ij = α ‖g(x_i) − g(x_j)‖² / D + λ L(y_i, f(g(x_j))). The paper has
no D; with it α means the same for any width.
"""

import torch
from torch import Tensor


def joint_cost(
    source: Tensor,
    target: Tensor,
    *,
    labels: Tensor,
    target_logits: Tensor,
    alpha: float,
    scale: float,
) -> Tensor:
    """Returns (B, B) what it costs to move each source row onto each target row.

    Args:
        source: (B, D) features.
        target: (B, D).
        labels: (B,) of the source rows.
        target_logits: (B, K).
        alpha: α, of the distance.
        scale: λ, of the cross-entropy.
    """
    products = source @ target.T
    gaps = source.square().sum(1).unsqueeze(1) + target.square().sum(1) - 2 * products
    gaps = gaps.clamp(min=0) / source.shape[1]
    losses = -torch.log_softmax(target_logits, dim=1).T[labels]
    return alpha * gaps + scale * losses


def transported(cost: Tensor, plan: Tensor) -> Tensor:
    """Returns the scalar ⟨γ, C⟩ = Σ γ_ij C_ij.

    Args:
        cost: (B, B) C.
        plan: (B, B) γ, of sum 1, in which no gradient is sought.
    """
    return (plan.detach() * cost).sum()
