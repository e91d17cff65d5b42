"""Defines the chain: blocks in order, and the positions where a network can be cut."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from regraft.backbones.backbone import Batch
from regraft.backbones.splicing.calling import as_batch as as_batch
from regraft.backbones.splicing.calling import call as call
from regraft.backbones.splicing.calling import main_key
from regraft.backbones.splicing.cut import Cut, run_prefix, skipping
from regraft.backbones.splicing.shapes import Shapes


@dataclass(frozen=True)
class Position:
    """A place where the network can be cut: nothing but one tensor crosses it.

    Args:
        index: Its number, from 0 (the input, nothing below) to P (the whole output).
        name: Path of the module whose output crosses; `input` at 0 and `output` at P.
        block_level: Whether it ends a stem, a unit or a stage, rather than lying inside one.
        borrowed: Parameters that the network reads on both sides (tables of relative
            positions). They belong to a block above, so the activation here stays the same
            only while they are frozen too.
    """

    index: int
    name: str
    block_level: bool = True
    borrowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block:
    """What lies between position `index` and the next; all names as in the state dict.

    Args:
        index: Its number, that of the position at its lower end.
        name: Path of the unit or stage that holds most of it.
        parameters: Names of its parameters; each of the network's is in one block.
        buffers: Names of its buffers; each of the network's is in one block.
        modules: Paths of its modules; each of the network's is in one block, and one that
            spans several is in the last of them.
        size: Number of its weights.
    """

    index: int
    name: str
    parameters: tuple[str, ...]
    buffers: tuple[str, ...]
    modules: tuple[str, ...]
    size: int


@dataclass(frozen=True)
class Chain:
    """A network as blocks in order, with P + 1 positions.

    The network is used as it is, in its present mode, and left as it was found; a chain is
    for one thread at a time, and for as long as no module of the network is exchanged.

    Args:
        network: The library's own module.
        positions: Positions 0..P.
        blocks: Blocks 0..P-1.
        unsteady: Paths of modules over several blocks whose own code does something else in
            training (dropout as a function): it would reach into a frozen prefix.
        cuts: How to skip what lies below each position; of no use outside.
        shapes: Shapes of what is skipped; of no use outside.
    """

    network: nn.Module
    positions: tuple[Position, ...]
    blocks: tuple[Block, ...]
    unsteady: frozenset[str]
    cuts: tuple[Cut, ...] = field(repr=False)
    shapes: Shapes = field(repr=False)

    @property
    def top(self) -> int:
        """P, the number of the last position."""
        return len(self.blocks)

    def prefix(self, position: int, batch: Batch) -> Tensor:
        """Returns the activation at a position; nothing above it runs.

        Args:
            position: 0..P; at 0 the batch's own pixels or token numbers come back.
            batch: Texts or images, B rows.
        """
        if position == 0:
            return batch[main_key(batch)]
        return run_prefix(self.network, self.cuts[position], batch=batch)

    def suffix(self, position: int, activation: Tensor, *, batch: Batch) -> Any:
        """Returns the library's own output, made from the activation at a position.

        Gradients flow to the activation and to the parameters above the position. Further
        tensors in the output that depend on what was skipped (all hidden states) are NaN.

        Args:
            position: 0..P.
            activation: As `prefix` gives it; never changed in place.
            batch: The batch it was made from; masks are computed from it.
        """
        if position == 0:
            return call(self.network, {**batch, main_key(batch): activation})
        with self._skipping(position, activation, batch=batch):
            return call(self.network, batch)

    def advance(self, activation: Tensor, batch: Batch, *, start: int, stop: int) -> Tensor:
        """Returns the activation at position `stop`, made from that at `start`.

        Args:
            activation: The activation at `start`.
            batch: The batch it was made from.
            start: The lower position.
            stop: The upper position, or the same.
        """
        assert start <= stop, "an activation cannot be taken back"
        if start == stop:
            return activation
        if start == 0:
            return self.prefix(stop, {**batch, main_key(batch): activation})
        with self._skipping(start, activation, batch=batch):
            return run_prefix(self.network, self.cuts[stop], batch=batch)

    @contextmanager
    def _skipping(self, position: int, activation: Tensor, *, batch: Batch) -> Iterator[None]:
        cut = self.cuts[position]
        with skipping(self.network, cut, shapes=self.shapes, activation=activation, batch=batch):
            yield

    def describe(self) -> list[dict[str, Any]]:
        """Returns plain rows for tables, one a position: what crosses, what lies below it."""
        below = (None, *self.blocks)
        return [
            {
                "position": position.index,
                "name": position.name,
                "block": block.name if block else "",
                "parameters": block.size if block else 0,
                "borrowed": list(position.borrowed),
            }
            for position, block in zip(self.positions, below, strict=True)
        ]
