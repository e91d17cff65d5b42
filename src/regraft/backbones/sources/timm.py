"""Makes backbones from timm: by name with pretrained weights, or from folders of its form."""

from pathlib import Path
from typing import Any

from torch import nn

from regraft.backbones.backbone import Architecture, Backbone
from regraft.backbones.pairing import paired_torch
from regraft.errors import BackboneError

def build_timm(architecture: Architecture) -> nn.Module:
    """Returns the network of an architecture with random weights and no classifier.

    Raises:
        BackboneError: If timm has no network of that name.
    """
    with paired_torch():
        import timm
    if not timm.is_model(architecture.name):
        raise BackboneError(f"timm {timm.__version__} has no network {architecture.name!r}")
    arguments: dict[str, Any] = {**architecture.arguments, "num_classes": 0, "pretrained": False}
    network: nn.Module = timm.create_model(architecture.name, **arguments)
    return network.eval()
