"""Makes the optimiser, its groups laid out once for the whole run, from a chain."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from regraft.backbones.chain import Chain
from regraft.training.phase import Phase

Kind = Literal["adamw", "sgd"]
HEAD = "head"
DISCRIMINATOR = "discriminator"


def make_optimiser(
    trunk: nn.Module,
    chain: Chain,
    *,
    heads: Sequence[nn.Module],
    kind: Kind,
    discriminator: nn.Module | None = None,
) -> torch.optim.Optimizer:
    """Returns the optimiser over every parameter, in named groups that never change.

    Each block and each head have two groups, with and without weight decay. A phase sets
    rates; a frozen parameter has no gradient and is passed over. So the moments of what
    moves are kept across phases.

    Args:
        trunk: The library's own module.
        chain: Its blocks.
        heads: All that stand on it.
        kind: `adamw` or `sgd`.
        discriminator: What tells two domains apart, if anything does.
    """
    parameters = dict(trunk.named_parameters())
    groups: list[dict[str, Any]] = []
    for number, block in enumerate(chain.blocks):
        groups += _groups(str(number), [parameters[name] for name in block.parameters])
    for head in heads:
        groups += _groups(HEAD, list(head.parameters()))
    if discriminator is not None:
        groups += _groups(DISCRIMINATOR, list(discriminator.parameters()))
    return _over(groups, kind)


def make_head_optimiser(head: nn.Module, phase: Phase, *, kind: Kind) -> torch.optim.Optimizer:
    """Returns the optimiser of a head that is trained alone, at its peak rate in this phase.

    Args:
        head: With hidden layers.
        phase: Its rate and decay.
        kind: `adamw` or `sgd`.
    """
    optimiser = _over(_groups(HEAD, list(head.parameters())), kind)
    set_rates(optimiser, phase, share=1.0)
    return optimiser


def set_rates(optimiser: torch.optim.Optimizer, phase: Phase, *, share: float) -> None:
    """Sets each group's learning rate to its peak in this phase times `share`."""
    for group in optimiser.param_groups:
        group["lr"] = _peak(phase, group["name"]) * share
        decay = "decoupled" if "decoupled" in group else "weight_decay"
        group[decay] = phase.weight_decay if group["decays"] else 0.0


def _over(groups: list[dict[str, Any]], kind: Kind) -> torch.optim.Optimizer:
    """Returns the optimiser over some groups, its weight decay decoupled from the gradients."""
    if kind == "adamw":
        return torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.999), eps=1e-8, fused=True)
    # Torch's SGD adds its own decay to the gradient, where the momentum makes it ten times as
    # strong. A hook, so that a step which is left out for want of finite gradients decays nothing.
    ours = [{**group, "decoupled": 0.0} for group in groups]
    optimiser = torch.optim.SGD(ours, lr=0.0, momentum=0.9, nesterov=True)
    optimiser.register_step_pre_hook(_decay)
    return optimiser


@torch.no_grad()
def _decay(optimiser: torch.optim.Optimizer, *step: Any) -> None:
    """Makes what a step will move smaller, as AdamW does: w ← (1 − rate · decay) · w."""
    del step
    for group in optimiser.param_groups:
        share = group["lr"] * group["decoupled"]
        moving: list[Tensor] = [p for p in group["params"] if p.grad is not None]
        if share and moving:
            torch._foreach_mul_(moving, 1 - share)


def _peak(phase: Phase, name: str) -> float:
    """Returns the peak rate of a group in a phase."""
    if name == DISCRIMINATOR:
        return phase.alignment.rate if phase.alignment else 0.0
    return phase.head_rate if name == HEAD else phase.rates[int(name)]


def _groups(name: str, parameters: list[nn.Parameter]) -> list[dict[str, Any]]:
    """Splits parameters into matrices, which decay, and vectors, which do not."""
    split = {
        True: [p for p in parameters if p.ndim > 1],
        False: [p for p in parameters if p.ndim <= 1],
    }
    return [
        {"params": members, "name": name, "decays": decays}
        for decays, members in split.items()
        if members
    ]
