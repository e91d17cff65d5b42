"""Makes what crosses a position of a network visible while a pass goes through it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from regraft.backbones.backbone import Batch
from regraft.backbones.chain import Chain
from regraft.backbones.graft import Grafted
from regraft.backbones.splicing.tree import primary

SIZES = (2, 3)
"""Rows of the passes that tell how features lie."""


@contextmanager
def tapped(chain: Chain, position: int | None) -> Iterator[list[Tensor]]:
    """Opens a stretch in which each pass leaves behind what crossed a position.

    Args:
        chain: The trunk's blocks.
        position: 1..P; None = nothing is left behind.
    """
    seen: list[Tensor] = []
    if position is None:
        yield seen
        return

    def keep(module: nn.Module, args: Any, output: Any) -> None:
        del module, args
        found = primary(output)
        assert found is not None, "a cut has a floating output"
        seen.append(found)

    hook = chain.network.get_submodule(chain.cuts[position].path).register_forward_hook(keep)
    try:
        yield seen
    finally:
        hook.remove()


@torch.no_grad()
def lies_by_rows(network: Grafted, chain: Chain, *, position: int, batch: Batch) -> bool:
    """Says whether what crosses a position has rows first, and then a text's tokens.

    Some networks have tokens first and rows second, and some fill texts up on their way. Two
    sizes tell: what lies otherwise has no extent that goes with both.

    Args:
        network: The grafted network.
        chain: Its trunk's blocks.
        position: 1..P.
        batch: Of one row, on the network's device.
    """
    training, mask, found = network.training, batch.get("attention_mask"), []
    network.eval()
    for size in SIZES:
        rows = {name: torch.cat([each] * size) for name, each in batch.items()}
        with tapped(chain, position) as left:
            network.features(rows)
        found.append(_fits(left[0], size, mask))
    network.train(training)
    return all(found)


def _fits(made: Tensor, size: int, mask: Tensor | None) -> bool:
    if made.dim() == 3 and mask is not None and made.shape[1] != mask.shape[1]:
        return False
    return made.shape[0] == size
