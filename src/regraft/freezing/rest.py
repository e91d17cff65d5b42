"""Keeps where each block is on average, so that one that freezes comes to rest there."""

from collections.abc import Iterable

import torch
from torch import nn

from regraft.backbones.chain import Chain

LATE = 2
"""η: the larger, the more the latest steps weigh; about the last third of them counts."""
EVERY = 4
"""Steps from one look at the weights to the next: neighbours are alike, and a look costs time."""


class Rest:
    """The means of the blocks' weights, and of their buffers, in which late steps weigh more.

    While the rate is high, weights wander about where they will end; a schedule that falls to
    nought brings them there, and so does their mean. A block that freezes in the middle of a
    schedule would miss it: a ← (1 − c)·a + c·w with c = (η + 1) / (t + η) at look t.

    Source: Shamir and Zhang 2013, "Stochastic Gradient Descent for Non-smooth Optimization:
    Convergence Results and Optimal Averaging Schemes", ICML, section 4, polynomial-decay
    averaging.

    Args:
        trunk: At the start of a phase.
        chain: Its P blocks.
    """

    def __init__(self, trunk: nn.Module, chain: Chain) -> None:
        tensors = {**dict(trunk.named_parameters()), **dict(trunk.named_buffers())}
        own = [
            {name: tensors[name].detach() for name in (*block.parameters, *block.buffers)}
            for block in chain.blocks
        ]
        own = [{n: t for n, t in each.items() if t.is_floating_point()} for each in own]
        self._names = [list(each) for each in own]
        self._members = [list(each.values()) for each in own]
        self.means = [[t.clone() for t in each] for each in self._members]
        self.steps = 0

    @torch.no_grad()
    def after_step(self, *, moving: Iterable[int]) -> None:
        """Takes a step; looks at the blocks that move where it is time.

        Args:
            moving: Their numbers.
        """
        self.steps += 1
        looks, left = divmod(self.steps, EVERY)
        if left:
            return
        share = (LATE + 1) / (looks + LATE)
        for number in moving:
            if self._members[number]:
                torch._foreach_lerp_(self.means[number], self._members[number], share)

    @torch.no_grad()
    def settle(self, blocks: Iterable[int], *, but: frozenset[str] = frozenset()) -> None:
        """Puts blocks where they were on average, unless nothing was looked at yet.

        Args:
            blocks: Their numbers.
            but: Names of what is frozen already and must stay as it is.
        """
        if self.steps < EVERY:
            return
        for number in blocks:
            found = zip(self._names[number], self._members[number], self.means[number], strict=True)
            for name, tensor, mean in found:
                # A mask may hold infinities, whose mean with themselves is none.
                if name not in but and bool(mean.isfinite().all()):
                    tensor.copy_(mean)
