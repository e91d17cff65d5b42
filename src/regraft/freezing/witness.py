"""Watches a stretch of training: what must stand still, what must move, what must not run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from regraft.backbones.attention import attention_of, set_attention
from regraft.backbones.backbone import Batch
from regraft.backbones.chain import Block, Chain
from regraft.backbones.graft import Grafted
from regraft.backbones.modes import Mode
from regraft.backbones.splicing.tree import tensors
from regraft.freezing.line import Frozen
from regraft.freezing.proof import Stretch, digest, digest_of, tensors_of

ABOVE = "frozen above the line"
"""What the names of pieces begin with that are frozen though their block moves."""
HEAD = "head"
SEEN = (
    "phase",
    "start",
    "movers",
    "state_kept",
    "solved",
    "gradients",
    "backwards",
    "restless",
    "before",
    "moving",
    "prefix",
)
"""What a witness has seen, by the names of its fields."""


@dataclass
class Witness:
    """One stretch under observation, from a move of the line to the next.

    Args:
        network: Its line was just moved.
        chain: The trunk's blocks.
        frozen: What stands still.
        optimiser: What moves the rest.
        sample: A few rows; the prefix must answer them the same throughout.
        phase: Name of the phase.
        start: Optimiser steps taken before it.
        movers: Names of the pieces that have a rate, blocks and the head.
        state_kept: Whether the optimiser's state is what the stretch before had left.
        solved: Whether the head moves without steps of the optimiser.
    """

    network: Grafted
    chain: Chain
    frozen: Frozen
    optimiser: torch.optim.Optimizer
    sample: Batch
    phase: str
    start: int
    movers: tuple[str, ...]
    state_kept: bool = True
    solved: bool = False
    gradients: int = 0
    backwards: int = 0
    restless: int = 0
    before: dict[str, str] = field(default_factory=dict)
    moving: dict[str, str] = field(default_factory=dict)
    prefix: list[str] = field(default_factory=list)
    still: list[nn.Parameter] = field(default_factory=list)
    hooks: list[RemovableHandle] = field(default_factory=list)

    def open(self) -> "Witness":
        """Takes the digests at the start and hangs the hooks."""
        self.before, self.moving = self._still_digests(), self._moving_digests()
        self.hang()
        self._look()
        return self

    def again(self) -> "Witness":
        """Watches on where a checkpoint broke off: hangs the hooks and looks anew.

        Outputs are compared with those of one process alone: another machine rounds
        differently, and that the weights are the same is what the digests say. Outputs that
        differed before the break stay what they are, a fault.
        """
        if len(set(self.prefix)) == 1:
            self.prefix = []
        self.hang()
        self._look()
        return self

    def hang(self) -> None:
        """Hangs the hooks on what must not run backward."""
        self.still = [
            p for n, p in self.network.trunk.named_parameters() if n in self.frozen.parameters
        ]
        modules = dict(self.network.trunk.named_modules())
        for path in sorted(self.frozen.below):
            self.hooks.append(modules[path].register_forward_hook(self._follow))

    def as_json(self) -> dict[str, Any]:
        """Returns what was seen so far, as plain data for a checkpoint."""
        return {name: getattr(self, name) for name in SEEN}

    def step(self) -> None:
        """Looks at the gradients after a backward pass."""
        self.gradients += sum(parameter.grad is not None for parameter in self.still)

    def close(self, step: int) -> Stretch:
        """Takes the digests at the end and the hooks away; returns what was seen.

        Args:
            step: Optimiser steps taken by now, over the whole run.
        """
        for hook in self.hooks:
            hook.remove()
        self._look()
        after = self._moving_digests()
        same = tuple(name for name in self.movers if after.get(name) == self.moving.get(name))
        return Stretch(
            self.phase,
            self.before,
            self._still_digests(),
            self.start,
            step,
            same if step > self.start or self.solved else (),
            self.gradients,
            self.backwards,
            self.restless,
            tuple(self.prefix),
            self.state_kept,
        )

    def _follow(self, module: nn.Module, given: Any, output: Any) -> None:
        """Hangs a counter on each output that has a backward pass: none should."""
        del module, given
        for tensor in tensors(output):
            if tensor.requires_grad:
                tensor.register_hook(self._count)

    def _count(self, gradient: Tensor) -> None:
        del gradient
        self.backwards += 1

    def _look(self) -> None:
        """Counts restless modules and lets the prefix answer in both modes."""
        modules = dict(self.network.trunk.named_modules())
        self.restless += sum(modules[path].training for path in self.frozen.modules)
        if not self.frozen.line:
            return
        for turn in (self.network.train, self.network.eval):
            turn()
            self.prefix.append(digest({"prefix": self._answer()}))
        self.network.train()

    def _answer(self) -> Tensor:
        trunk = self.network.trunk
        usual = attention_of(trunk)
        # Another kernel rounds differently, and a pass for features may leave another one.
        set_attention(trunk, "eager")
        # A dropout left on by mistake must not disturb the numbers that training draws.
        # As all passes run: what a processor makes of tiny numbers is a setting of the process.
        quiet = Mode(device=str(self.network.head.last.weight.device)).running()
        with torch.no_grad(), torch.random.fork_rng(devices=[]), quiet:
            found = self.chain.prefix(self.frozen.line, self.sample)
        set_attention(trunk, usual)
        return found

    def _still_digests(self) -> dict[str, str]:
        named = tensors_of(self.network.trunk)
        under = self.chain.blocks[: self.frozen.line]
        found = {b.name: digest_of(named, (*b.parameters, *b.buffers)) for b in under}
        pieces = pieces_of(self.chain, self.frozen)
        return found | {name: digest_of(named, tensors) for name, tensors in pieces.items()}

    def _moving_digests(self) -> dict[str, str]:
        named = tensors_of(self.network.trunk)
        found = {
            block.name: digest_of(named, set(block.parameters) - self.frozen.parameters)
            for block in self.chain.blocks[self.frozen.line :]
        }
        return {**found, HEAD: digest(dict(self.network.head.named_parameters()))}


def pieces_of(chain: Chain, frozen: Frozen) -> dict[str, frozenset[str]]:
    """Returns the names of the tensors of each piece that is frozen in a block that moves.

    Args:
        chain: The trunk's blocks.
        frozen: What stands still.
    """
    names = frozen.parameters | frozen.buffers
    parts = (part for block in chain.blocks[frozen.line :] for part in _part_of(block, names))
    return dict(parts)


def _part_of(block: Block, frozen: frozenset[str]) -> list[tuple[str, frozenset[str]]]:
    """Returns the name of what is frozen in a block that moves and its tensors; none without.

    The name has their number: where more of the block is frozen later, it is another piece.
    """
    own = frozenset((*block.parameters, *block.buffers))
    part = own & frozen
    return [(f"{ABOVE}: {len(part)} of {len(own)} tensors in {block.name}", part)] if part else []


def movers_of(
    chain: Chain, frozen: Frozen, *, rate: Callable[[int], float], head: bool = True
) -> tuple[str, ...]:
    """Returns the names of what must move: blocks with free weights and a rate, and the head.

    Args:
        chain: The trunk's blocks.
        frozen: What stands still.
        rate: Peak rate of a block, by its number.
        head: Whether the loss looks at the head.
    """
    free = [
        block.name
        for block in chain.blocks[frozen.line :]
        if rate(block.index) > 0 and set(block.parameters) - frozen.parameters
    ]
    return (*free, HEAD) if head else tuple(free)
