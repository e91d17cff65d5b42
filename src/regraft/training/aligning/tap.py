"""Makes what crosses a position of a network visible while a pass goes through it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from regraft.backbones.chain import Chain
from regraft.backbones.splicing.tree import primary


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
