"""Makes activations from batches and outputs from activations, at one cut."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from regraft.backbones.backbone import Batch
from regraft.backbones.splicing.calling import call
from regraft.backbones.splicing.shapes import Shapes
from regraft.backbones.splicing.stubs import crossed, hollow, out_of_place, replaced, replay
from regraft.backbones.splicing.tree import primary
from regraft.errors import BackboneError


@dataclass(frozen=True)
class Cut:
    """A place where nothing but one tensor crosses, and what to skip below it.

    Args:
        path: The module whose first floating output crosses; empty for the whole network.
        end: When its call ended, in events of the recording.
        stubs: Paths of the modules that are skipped.
        early: Paths of the modules that run in part below the cut.
        dense: Whether what is skipped has to give tensors with memory of their own.
    """

    path: str
    end: int
    stubs: tuple[str, ...] = ()
    early: tuple[str, ...] = ()
    dense: bool = False


class _ReachedError(BaseException):
    """Ends a forward pass at the cut; no `except Exception` of a library may stop it."""

    def __init__(self, activation: Tensor) -> None:
        super().__init__("the forward pass reached the cut")
        self.activation = activation


def run_prefix(network: nn.Module, cut: Cut, *, batch: Batch) -> Tensor:
    """Returns the activation at the cut; what lies above it does not run.

    Raises:
        BackboneError: When the forward pass ended without calling the module at the cut, as
            a network does whose path depends on its input.
    """
    hook = network.get_submodule(cut.path).register_forward_hook(_stop)
    try:
        call(network, batch)
    except _ReachedError as reached:
        return reached.activation
    finally:
        hook.remove()
    raise BackboneError(
        f"{type(network).__name__} did not run {cut.path} for this batch",
        expected="a network that takes the same path for every batch",
    )


def _stop(module: nn.Module, args: Any, output: Any) -> None:
    activation = primary(output)
    assert activation is not None, "a cut has a floating output"
    raise _ReachedError(activation)


@contextmanager
def skipping(
    network: nn.Module, cut: Cut, *, shapes: Shapes, activation: Tensor, batch: Batch
) -> Iterator[None]:
    """Lets the network's own forward start from the activation at a cut, for a while."""
    outputs = shapes.of((cut.path, *cut.stubs), batch)
    pairs = [
        (
            network.get_submodule(path),
            replay([hollow(made, activation, dense=cut.dense) for made in outputs[path]]),
        )
        for path in cut.stubs
    ]
    entry = [crossed(made, activation, dense=cut.dense) for made in outputs[cut.path]]
    pairs.append((network.get_submodule(cut.path), replay(entry)))
    with ExitStack() as stack:
        stack.enter_context(replaced(pairs))
        stack.enter_context(out_of_place(network.get_submodule(path) for path in cut.early))
        yield
