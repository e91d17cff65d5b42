"""Makes a backbone from any name a user may type, and a network from its description."""

from collections.abc import Callable

from torch import nn

from regraft.backbones.backbone import Architecture, Backbone
from regraft.backbones.sources.starter import open_starter
from regraft.backbones.sources.timm import build_timm
from regraft.backbones.sources.transformers import build_transformers
from regraft.data.starters.wheels import Say, say_on_stderr
from regraft.errors import BackboneError


def open_backbone(
    name: str | nn.Module | Backbone, *, arch: str | None = None, say: Say = say_on_stderr
) -> Backbone:
    """First version: starters only."""
    if isinstance(name, Backbone):
        return name
    return open_starter(str(name).removeprefix("starter:"), say=say)


BUILDERS: dict[str, Callable[[Architecture], nn.Module]] = {
    "transformers": build_transformers,
    "timm": build_timm,
}


def build(architecture: Architecture) -> nn.Module:
    """Returns the network of an architecture with random weights; never asks the network."""
    return BUILDERS[architecture.library](architecture)
