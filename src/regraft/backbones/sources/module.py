"""Makes backbones from networks that a Python program brings itself."""

from typing import Any

import torch
from torch import Tensor, nn

from regraft.backbones.backbone import Architecture, Backbone, Pooling
from regraft.backbones.sources.timm import assembled
from regraft.data.spec import ImageSpec, InputSpec
from regraft.errors import BackboneError


def open_module(
    network: nn.Module,
    spec: InputSpec,
    *,
    name: str = "module",
    pooling: Pooling = "none",
    width: int | None = None,
) -> Backbone:
    """Returns the backbone of a network without head, with an explicit input spec.

    Args:
        network: Takes (B, C, H, W) pixels, or token numbers and a mask.
        spec: What it is fed.
        name: For tables and run folders.
        pooling: How its output becomes (B, D).
        width: D; found by one pass on zeros where left out.

    Raises:
        BackboneError: If the output of that pass has no place for the pooling.
    """
    architecture = Architecture("module", type(network).__qualname__, {}, pooling)
    found = width or _width(network, spec, pooling=pooling)
    return Backbone(name, network, spec, found, architecture, origin="the calling program")


def open_object(network: nn.Module) -> Backbone:
    """Returns the backbone of a network that says itself how it is fed (timm's do).

    Raises:
        BackboneError: If the network does not say it.
    """
    facts = getattr(network, "pretrained_cfg", None)
    if not isinstance(facts, dict) or not hasattr(network, "reset_classifier"):
        raise BackboneError(
            f"a {type(network).__name__} does not say what it is fed with",
            hint="regraft.open_module(network, regraft.ImageSpec(...))",
        )
    reset: Any = network.reset_classifier
    reset(0)
    name = str(facts.get("architecture") or type(network).__name__)
    architecture = Architecture("timm", name, {}, "none")
    return assembled(network, architecture, name=f"timm:{name}", facts=facts)


def build_module(architecture: Architecture) -> nn.Module:
    """Never returns: a network of a program can be built by that program only.

    Raises:
        BackboneError: Always.
    """
    raise BackboneError(
        f"the network {architecture.name} came from a Python program and cannot be built again",
        hint="regraft.load(run, network=...) in that program",
    )


def _width(network: nn.Module, spec: InputSpec, *, pooling: Pooling) -> int:
    """Returns the width of the features on one example of zeros."""
    training = network.training
    network.eval()
    with torch.no_grad():
        output = _output(network, spec)
    network.train(training)
    if not isinstance(output, Tensor) or output.dim() != _DIMENSIONS[pooling]:
        shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise BackboneError(
            f"a {type(network).__name__} gives {shape}",
            expected=f"{_DIMENSIONS[pooling]} dimensions for the pooling {pooling!r}",
        )
    return int(output.shape[1 if pooling == "map" else -1])


_DIMENSIONS: dict[Pooling, int] = {"mean": 3, "cls": 3, "map": 4, "none": 2}


def _output(network: nn.Module, spec: InputSpec) -> Any:
    """Returns what a network gives for one example of zeros."""
    if isinstance(spec, ImageSpec):
        output = network(torch.zeros(1, spec.channels, spec.size, spec.size))
    else:
        ids = torch.zeros(1, min(4, spec.length_limit), dtype=torch.long)
        output = network(input_ids=ids, attention_mask=torch.ones_like(ids))
    return getattr(output, "last_hidden_state", output)
