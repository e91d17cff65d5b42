"""Decides what of a network may move, from a chain and the number of a line."""

from types import MethodType

from torch import nn

from regraft.backbones.chain import Chain
from regraft.backbones.graft import Grafted


def move_line(network: Grafted, chain: Chain, *, line: int) -> None:
    """Freezes every block of the trunk below the line and thaws the rest.

    Gradients, norm and dropout modes and the refusal of `train()` change together here
    and nowhere else. A frozen parameter's gradient is None, so that no optimiser, weight
    decay or momentum touches it.

    Args:
        network: The grafted network; its head always moves.
        chain: The trunk's blocks.
        line: Blocks 0..line-1 are frozen; 0 freezes nothing, P the whole trunk.
    """
    parameters = dict(network.trunk.named_parameters())
    modules = dict(network.trunk.named_modules())
    for number, block in enumerate(chain.blocks):
        for name in block.parameters:
            parameters[name].requires_grad_(number >= line)
            parameters[name].grad = None
        for name in block.modules:
            _hold(modules[name], still=number < line)
    network.train()


def _hold(module: nn.Module, *, still: bool) -> None:
    """Puts a module into evaluation for good, or gives it its own `train()` back."""
    module.__dict__.pop("train", None)
    if still:
        module.eval()
        module.__dict__["train"] = MethodType(_stay, module)


def _stay(module: nn.Module, mode: bool = True) -> nn.Module:
    """Answers `train()` for a frozen module: it stays in evaluation."""
    del mode
    return module
