"""Defines what changes the network or the source's rows before any feature is taken.

Source: none (regraft). A method sees features; a preparation sees what makes them, and says
what is different afterwards. Features are then computed again, and any method goes on top.
"""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from regraft.backbones.modes import Mode
from regraft.data.encode import Encoded
from regraft.data.spec import InputSpec
from regraft.freezing.line import NOTHING, Above, let_move

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Given:
    """The network and both domains, as they come.

    Args:
        trunk: The library's own module; no preparation changes it.
        spec: How it is fed.
        train: N rows of the source, which train.
        val: M others, which judge; may be none.
        target: L rows of the target that are adapted to.
        training: Mode of steps with gradients.
        inference: Mode of passes without.
        seed: Of everything random.
        still: What the user froze: no preparation trains it.
    """

    trunk: nn.Module
    spec: InputSpec
    train: Encoded
    val: Encoded
    target: Encoded
    training: Mode = field(default_factory=Mode)
    inference: Mode = field(default_factory=Mode)
    seed: int = 0
    still: Above = NOTHING


@dataclass(frozen=True)
class Changed:
    """What a preparation made different.

    Args:
        tensors: New values of the trunk's, by their names in its state dict.
        train: Takes the place of the source's training rows; None = the same rows.
        val: Takes the place of those that judge, likewise.
        source_tensors: Values of the trunk's under which the source is read; None = the same
            as the target.
    """

    tensors: Tensors = field(default_factory=dict)
    train: Encoded | None = None
    val: Encoded | None = None
    source_tensors: Tensors | None = None


class Preparation(Protocol):
    """Makes features differ without seeing them; one file each under `adaptation`."""

    first: ClassVar[bool]
    """Where the trunk moves: whether it comes before the source's labels are learnt, or after."""

    def refusal(self, trunk: nn.Module, spec: InputSpec) -> str:
        """Returns why it can do nothing for a network, or the empty string."""

    def prepare(self, given: Given) -> Changed:
        """Returns what is different; nothing that was given is changed."""


def free_copy(trunk: nn.Module, *, but: Above = NOTHING) -> nn.Module:
    """Returns a copy of a trunk that may move, whatever of the trunk is frozen.

    Args:
        trunk: The library's own module.
        but: What of the copy stands still.
    """
    made = copy.deepcopy(trunk)
    let_move(made, but=but)
    return made


def differences(before: nn.Module, after: nn.Module) -> dict[str, Tensor]:
    """Returns the tensors of `after` that are others than those of `before`, by name."""
    known = before.state_dict()
    return {
        name: tensor.detach().clone()
        for name, tensor in after.state_dict().items()
        if not torch.equal(tensor, known[name])
    }


def put_tensors(trunk: nn.Module, tensors: Tensors) -> None:
    """Puts values into a trunk in place."""
    state = trunk.state_dict()
    with torch.no_grad():
        for name, tensor in tensors.items():
            state[name].copy_(tensor)


@contextmanager
def worn(trunk: nn.Module, tensors: Tensors) -> Iterator[None]:
    """Opens a stretch in which a trunk has other values; it gets its own back at the end."""
    state = trunk.state_dict()
    own = {name: state[name].detach().clone() for name in tensors}
    put_tensors(trunk, tensors)
    try:
        yield
    finally:
        put_tensors(trunk, own)
