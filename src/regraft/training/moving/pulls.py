"""Pulls weights beside the gradient of the loss: back to where they started, or to nought."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from regraft.training.optimiser import DISCRIMINATOR, HEAD
from regraft.training.phase import Phase
from regraft.training.session import Session


@torch.no_grad()
def pull_back(session: Session, phase: Phase) -> None:
    """Adds the gradient of α/2 · ‖w − w_start‖² and of β/2 · ‖w_head‖² to that of the loss.

    Args:
        session: After a backward pass; its start is that of the trunk.
        phase: Its `pull` is (α, β); nothing is done where both are 0.
    """
    alpha, beta = phase.pull
    trunk, head = _moving(session.network.trunk), _moving(session.network.head)
    if alpha and trunk:
        ways = torch._foreach_sub(list(trunk.values()), [session.start[name] for name in trunk])
        torch._foreach_add_([_gradient(p) for p in trunk.values()], ways, alpha=alpha)
    if beta and head:
        weights: list[Tensor] = list(head.values())
        torch._foreach_add_([_gradient(p) for p in head.values()], weights, alpha=beta)


@torch.no_grad()
def shrink(optimiser: torch.optim.Optimizer, shares: Sequence[float]) -> None:
    """Makes every matrix that has a gradient smaller: w ← (1 − share) · w.

    Is called where a step was taken, and not where it was left out for want of finite gradients.

    Args:
        optimiser: Its groups tell matrices (which decay) from vectors.
        shares: Of each of the P blocks, then of the head, in [0, 1); empty = nothing is done.
    """
    for group in optimiser.param_groups if shares else ():
        share = _share(group["name"], shares) if group["decays"] else 0.0
        moving: list[Tensor] = [p for p in group["params"] if p.grad is not None]
        if share and moving:
            torch._foreach_mul_(moving, 1 - share)


def _share(name: str, shares: Sequence[float]) -> float:
    """Returns the share of a group; what stands beside the network does not shrink."""
    if name == DISCRIMINATOR:
        return 0.0
    return shares[-1] if name == HEAD else shares[int(name)]


def _moving(module: nn.Module) -> dict[str, nn.Parameter]:
    return {n: p for n, p in module.named_parameters() if p.grad is not None}


def _gradient(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None, "only what moves is asked"
    return parameter.grad
