"""Measures how far each block has moved from where it was, by its dense weights."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from regraft.backbones.chain import Block, Chain

DENSE = 0.5
"""Share of dense weights below which a block takes the next one's distance for its own."""


class Journey:
    """The blocks' weights at the start, and their distances from there.

    Rows of an embedding table that the data seldom names hardly move, and would hold the
    whole prefix up: tables do not count, and a block that is little else goes with the next.

    Args:
        trunk: As it is now, at the start.
        chain: Its P blocks.
        held: Numbers of the blocks that cannot move: they go with the next as well.
    """

    def __init__(
        self, trunk: nn.Module, chain: Chain, *, held: frozenset[int] = frozenset()
    ) -> None:
        tables = _tables(trunk)
        parameters = dict(trunk.named_parameters())
        self._members = [
            [parameters[name] for name in block.parameters if name not in tables]
            for block in chain.blocks
        ]
        self.starts = [[p.detach().clone() for p in members] for members in self._members]
        self._counted = _counted(chain.blocks, self._members, held=held)

    def distances(self) -> list[float]:
        """Returns (P,) D = ‖θ − θ at the start‖ of each block."""
        own = self._apart(self.starts)
        return [own[number] for number in self._counted]

    def marks(self) -> list[list[Tensor]]:
        """Returns copies of the weights as they are now."""
        return [[p.detach().clone() for p in members] for members in self._members]

    def updates(self, marks: list[list[Tensor]]) -> list[float]:
        """Returns (P,) how far each block is from the copies."""
        own = self._apart(marks)
        return [own[number] for number in self._counted]

    def gradients(self) -> list[float]:
        """Returns (P,) the sum of squares of each block's gradient as it is now."""
        own = [_squares([p.grad for p in members]) for members in self._members]
        return [own[number] for number in self._counted]

    def _apart(self, marks: list[list[Tensor]]) -> list[float]:
        return [
            _distance([p.detach() for p in members], there)
            for members, there in zip(self._members, marks, strict=True)
        ]


def _distance(here: list[Tensor], there: list[Tensor]) -> float:
    if not here:
        return 0.0
    return float(torch.linalg.vector_norm(_norms(torch._foreach_sub(here, there))))


def _squares(gradients: list[Tensor | None]) -> float:
    found = [gradient for gradient in gradients if gradient is not None]
    if not found:
        return 0.0
    return float(_norms(found).square().sum())


def _norms(tensors: Sequence[Tensor]) -> Tensor:
    """Returns the norm of each tensor, in double on the processor: not every device has such."""
    return torch.stack(list(torch._foreach_norm(list(tensors)))).cpu().double()


def _tables(trunk: nn.Module) -> set[str]:
    """Returns the names of the weights of embedding tables."""
    return {
        f"{path}.weight" if path else "weight"
        for path, module in trunk.named_modules()
        if isinstance(module, nn.Embedding)
    }


def _counted(
    blocks: tuple[Block, ...], members: list[list[nn.Parameter]], *, held: frozenset[int]
) -> list[int]:
    """Returns for each block the number of the block whose distance counts for it."""
    pairs = zip(blocks, members, strict=True)
    dense = [sum(p.numel() for p in own) >= DENSE * block.size for block, own in pairs]
    counted = list(range(len(blocks)))
    for number in reversed(range(len(blocks) - 1)):
        if not dense[number] or not members[number] or number in held:
            counted[number] = counted[number + 1]
    return counted
