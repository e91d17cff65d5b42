"""Makes a network skip its prefix: forwards replaced for a while, then put back."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import torch
from torch import Tensor, nn

from regraft.backbones.splicing.shapes import Sketch
from regraft.backbones.splicing.tree import mapped

Forward = Callable[..., Any]


def replay(outputs: Sequence[Any]) -> Forward:
    """Returns a forward that ignores its inputs and gives the outputs in turn."""
    turns = cycle(outputs)
    # Whatever the library hands over is ignored, so the signature has to take anything.
    return lambda *_inputs, **_named: next(turns)


@contextmanager
def replaced(forwards: Sequence[tuple[nn.Module, Forward]]) -> Iterator[None]:
    """Replaces the forward of some modules and puts the old ones back, whatever happens."""
    before = [(module, vars(module).get("forward")) for module, _ in forwards]
    try:
        for module, forward in forwards:
            vars(module)["forward"] = forward
        yield
    finally:
        for module, own in before:
            if own is None:
                vars(module).pop("forward", None)
            else:
                vars(module)["forward"] = own


@contextmanager
def out_of_place(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Makes modules such as `ReLU(inplace=True)` write into new tensors for a while.

    They would write into stubs, which have one element in memory.
    """
    changed = [module for module in modules if getattr(module, "inplace", False) is True]
    try:
        for module in changed:
            vars(module)["inplace"] = False
        yield
    finally:
        for module in changed:
            vars(module)["inplace"] = True


def hollow(output: Any, like: Tensor, *, dense: bool) -> Any:
    """Returns an output of NaN (whole numbers: zero) from its sketch.

    Args:
        output: Sketches in nested containers.
        like: A tensor on the device to use.
        dense: Whether each element has memory of its own, for functional in-place operations.
    """

    def make(sketch: Sketch) -> Tensor:
        content = float("nan") if sketch.dtype.is_floating_point else 0
        tensor = torch.full((), content, dtype=sketch.dtype, device=like.device)
        wide = tensor.expand(sketch.shape())
        return wide.clone() if dense else wide

    return mapped(output, make, kind=Sketch)


def crossed(output: Any, activation: Tensor, *, dense: bool) -> Any:
    """Returns an output whose first floating tensor is the activation, the rest hollow.

    The activation is copied: in-place operations above the cut must not reach the caller's.
    """
    waiting = [activation]

    def place(sketch: Sketch) -> Tensor:
        if waiting and sketch.dtype.is_floating_point:
            return waiting.pop().clone()
        made: Tensor = hollow(sketch, activation, dense=dense)
        return made

    return mapped(output, place, kind=Sketch)
