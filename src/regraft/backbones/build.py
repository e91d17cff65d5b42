"""Makes a network with random weights from the description of its architecture."""

from collections.abc import Callable

from torch import nn

from regraft.backbones.backbone import Architecture
from regraft.backbones.sources.module import build_module
from regraft.backbones.sources.timm import build_timm
from regraft.backbones.sources.torchvision import build_torchvision
from regraft.backbones.sources.transformers import build_transformers
from regraft.errors import BackboneError, one_of

BUILDERS: dict[str, Callable[[Architecture], nn.Module]] = {
    "module": build_module,
    "timm": build_timm,
    "torchvision": build_torchvision,
    "transformers": build_transformers,
}
"""What builds the networks of each library."""


def build(architecture: Architecture) -> nn.Module:
    """Returns the network of an architecture, in `eval()`; the internet is never asked.

    Raises:
        BackboneError: If the library or the network is unknown, or the network came from
            a Python program.
    """
    if architecture.library not in BUILDERS:
        raise BackboneError(
            f"no library is called {architecture.library!r}", expected=one_of(BUILDERS)
        )
    return BUILDERS[architecture.library](architecture)
