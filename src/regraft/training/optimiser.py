"""Makes the optimiser, its groups laid out once for the whole run, from a chain."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import nn

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
    if kind == "sgd":
        return torch.optim.SGD(groups, lr=0.0, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.999), eps=1e-8, fused=True)


def set_rates(optimiser: torch.optim.Optimizer, phase: Phase, *, share: float) -> None:
    """Sets each group's learning rate to its peak in this phase times `share`."""
    for group in optimiser.param_groups:
        group["lr"] = _peak(phase, group["name"]) * share
        group["weight_decay"] = phase.weight_decay if group["decays"] else 0.0


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
