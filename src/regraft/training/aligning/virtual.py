"""Makes virtual rows around real ones, at a position that a pass goes through.

Source: Li, Dai, Ge, Liu, Shan and Duan 2022, "Uncertainty Modeling for Out-of-Distribution
Generalization" (DSU), ICLR, equations 4 to 8, arXiv 2202.03958. With μ(x) and σ(x) the mean and
the deviation of a row's channel over its places, and Σ²_μ, Σ²_σ their variances over a batch,
β = μ(x) + ε_μ Σ_μ, γ = σ(x) + ε_σ Σ_σ, ε ~ N(0, 1), DSU(x) = γ (x − μ(x)) / σ(x) + β.

Here a batch holds rows of two domains, so that virtual rows of the source lie as far out as the
target's rows do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from regraft.backbones.chain import Chain
from regraft.backbones.splicing.tree import mapped, primary

TINY = 1e-6
"""Added to variances: a channel that is the same everywhere has none."""


@dataclass(frozen=True)
class Cloud:
    """How virtual rows lie around real ones.

    Args:
        around: α, deviation of ε.
        share: Probability that a row becomes a virtual one.
        channels_last: Whether maps come as (B, H, W, C).
    """

    around: float = 1.0
    share: float = 0.5
    channels_last: bool = False


def virtual_rows(features: Tensor, cloud: Cloud, *, wanted: Tensor, mask: Tensor | None) -> Tensor:
    """Returns features in which some rows, by a toss of a coin each, are virtual ones.

    Args:
        features: (B, D), (B, T, D) or (B, C, H, W).
        cloud: How far they lie from the real ones.
        wanted: (B,) which rows may become virtual.
        mask: (B, T) which tokens are real; None = all places are.
    """
    last = features.dim() == 3 or cloud.channels_last
    rows = features.movedim(-1, 1) if last else features
    flat = rows.float().flatten(2) if rows.dim() > 2 else rows.float().unsqueeze(2)
    mean, deviation = _statistics(flat, mask if features.dim() == 3 else None)
    tossed = torch.rand(len(flat), device=flat.device) < cloud.share
    chosen = (wanted & tossed).float()[:, None, None] * cloud.around
    noise = torch.randn(2, *mean.shape, device=flat.device)
    shift, stretch = (
        chosen * each * _spread(of) for each, of in zip(noise, (mean, deviation), strict=True)
    )
    moved = flat + (flat - mean) * stretch / deviation + shift
    made: Tensor = moved.reshape(rows.shape).to(features.dtype)
    return made.movedim(1, -1) if last else made


def _statistics(flat: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Returns (B, C, 1) means and deviations over the places of (B, C, T)."""
    real = torch.ones_like(flat[:, :1]) if mask is None else mask[:, None].to(flat.dtype)
    count = real.sum(dim=2, keepdim=True).clamp(min=1)
    mean = (flat * real).sum(dim=2, keepdim=True) / count
    variance = ((flat - mean).square() * real).sum(dim=2, keepdim=True) / count
    return mean, (variance + TINY).sqrt()


def _spread(of: Tensor) -> Tensor:
    """Returns (1, C, 1) deviations of (B, C, 1) over the batch, as numbers without a gradient."""
    return of.detach().var(dim=0, correction=0, keepdim=True).sqrt()


@contextmanager
def virtual_at(
    chain: Chain, position: int, *, cloud: Cloud, wanted: Tensor, mask: Tensor | None
) -> Iterator[None]:
    """Opens a stretch in which some rows that cross a position become virtual ones.

    Args:
        chain: The trunk's blocks.
        position: 1..P.
        cloud: How far they lie from the real ones.
        wanted: (B,) which rows of the pass may.
        mask: (B, T) which tokens are real; None = all places are.
    """

    def changed(module: Any, args: Any, output: Any) -> Any:
        del module, args
        found = primary(output)
        assert found is not None, "a cut has a floating output"
        made = virtual_rows(found, cloud, wanted=wanted, mask=mask)
        return mapped(output, lambda leaf: made if leaf is found else leaf, kind=Tensor)

    place = chain.network.get_submodule(chain.cuts[position].path)
    hook = place.register_forward_hook(changed)
    try:
        yield
    finally:
        hook.remove()
