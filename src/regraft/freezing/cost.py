"""Measures what each block costs in arithmetic, and what freezing saved of it."""

from collections.abc import Sequence

import torch
from torch.utils.flop_counter import FlopCounterMode

from regraft.backbones.backbone import Batch
from regraft.backbones.chain import Chain
from regraft.freezing.proof import Stretch
from regraft.freezing.witness import ABOVE


def block_flops(chain: Chain, batch: Batch) -> list[int]:
    """Returns (P,) floating-point operations of each block's forward pass on a batch.

    Args:
        chain: The blocks, in whatever mode.
        batch: A few rows on the network's device.
    """
    found = []
    training = chain.network.training
    chain.network.eval()
    with torch.no_grad():
        activation = chain.prefix(0, batch)
        for number in range(chain.top):
            with FlopCounterMode(display=False) as counter:
                activation = chain.advance(activation, batch, start=number, stop=number + 1)
            found.append(int(counter.get_total_flops()))
    chain.network.train(training)
    return found


def saved_share(stretches: Sequence[Stretch], flops: Sequence[int]) -> float:
    """Returns the share of the trunk's backward arithmetic that the line saved, in [0, 1].

    A block's backward pass costs in proportion to its forward pass; below the line it does
    not happen. Only optimiser steps count; where there were none, nothing went backward: 1.

    Args:
        stretches: Of a whole run.
        flops: (P,) cost of each block.
    """
    steps = sum(s.stop - s.start for s in stretches)
    if not steps or not sum(flops):
        return 1.0
    saved = sum((s.stop - s.start) * sum(flops[: line_in(s)]) for s in stretches)
    return saved / (steps * sum(flops))


def line_in(stretch: Stretch) -> int:
    """Returns the line of a stretch: its frozen pieces, but for what is frozen above it."""
    return len(stretch.before.keys() - {ABOVE})
