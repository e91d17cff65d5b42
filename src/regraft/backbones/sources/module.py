"""Makes backbones from networks that a Python program brings itself."""

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from regraft.backbones.backbone import Architecture, Backbone, Pooling
from regraft.backbones.sources.specs import refuse_channels
from regraft.backbones.sources.timm import assembled, build_timm
from regraft.backbones.splicing.calling import call
from regraft.backbones.splicing.recording import in_evaluation
from regraft.backbones.splicing.tree import primary
from regraft.backbones.weights import load_into_network
from regraft.data.spec import ImageSpec, InputSpec
from regraft.errors import BackboneError

Facts = dict[str, Any]
_SIDE = 64
"""Pixels a side at which networks are spliced, where they take it."""
_SMALL_SIDE = 32
"""The side that is tried instead with networks of that size."""


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
        BackboneError: If it does not take what the spec says, if its output has no place for
            the pooling, or if its weights are no fp32 numbers.
    """
    _refuse_formats(network)
    refuse_channels(spec, name)
    architecture = Architecture("module", type(network).__qualname__, {}, pooling)
    found = width or found_width(network, spec, pooling=pooling)
    spec = _sized(network, spec, pooling=pooling, width=found)
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
    _refuse_formats(network)
    reset: Any = network.reset_classifier
    reset(0)
    facts, arguments = _as_made(network, facts)
    name = str(facts.get("architecture") or type(network).__name__)
    architecture = Architecture("timm", name, arguments, "none")
    backbone = assembled(network, architecture, name=f"timm:{name}", facts=facts)
    if _is_built_by(architecture, network, backbone.spec):
        return backbone
    own = Architecture("module", type(network).__qualname__, {}, "none")
    return replace(backbone, architecture=own)


def _as_made(network: nn.Module, facts: Facts) -> tuple[Facts, Facts]:
    """Returns the facts of a network of timm as it was made, and the arguments that it shows."""
    path = facts.get("first_conv")
    path = path if isinstance(path, str) else next(iter(path or ()), "")
    try:
        stem, holder = (network.get_submodule(each) for each in (path, path.rpartition(".")[0]))
    except AttributeError:
        return facts, {}
    channels, *sides = facts.get("input_size") or (3, 224, 224)
    found = getattr(stem, "in_channels", channels)
    made = list(getattr(holder, "img_size", None) or sides)
    fixed = facts.get("fixed_input_size") and getattr(holder, "strict_img_size", True)
    seen = {"in_chans": (channels, found), "img_size": (sides, made)}
    arguments = {key: after for key, (before, after) in seen.items() if before != after}
    return {**facts, "input_size": (found, *made), "fixed_input_size": bool(fixed)}, arguments


def _is_built_by(architecture: Architecture, network: nn.Module, spec: InputSpec) -> bool:
    """Says whether an architecture builds a network with the same tensors and answers."""
    try:
        built = build_timm(architecture)
        load_into_network(built, network.state_dict(), source=architecture.name)
    except (BackboneError, TypeError, ValueError, AssertionError, RuntimeError):
        return False
    side = spec.size if isinstance(spec, ImageSpec) else 0
    given, again = (primary(_answer(each, spec, side=side)) for each in (network, built))
    return given is not None and again is not None and torch.equal(given, again)


def build_module(architecture: Architecture) -> nn.Module:
    """Never returns: a network of a program can be built by that program only.

    Raises:
        BackboneError: Always.
    """
    raise BackboneError(
        f"the network {architecture.name} came from a Python program and cannot be built again",
        hint="regraft.load(run, network=...) in that program",
    )


def _refuse_formats(network: nn.Module) -> None:
    """Raises where a network has numbers of another format than fp32."""
    tensors = (*network.parameters(), *network.buffers())
    other = {str(t.dtype) for t in tensors if t.is_floating_point() and t.dtype != torch.float32}
    if other:
        raise BackboneError(
            f"a {type(network).__name__} has numbers in {', '.join(sorted(other))}",
            expected="torch.float32",
            hint="network.float()",
        )


def found_width(network: nn.Module, spec: InputSpec, *, pooling: Pooling) -> int:
    """Returns the width of the features on one example of zeros.

    Args:
        network: Left as it was.
        spec: What it is fed.
        pooling: How its output becomes (B, D).

    Raises:
        BackboneError: If it does not take what the spec says, or its output has no place for
            the pooling.
    """
    side = spec.size if isinstance(spec, ImageSpec) else 0
    try:
        output = _answer(network, spec, side=side)
    except Exception as error:  # of the program's own code
        what = f"images of {side} pixels" if side else "token numbers and a mask"
        raise BackboneError(
            f"a {type(network).__name__} does not take {what} ({_brief(error)})"
        ) from error
    states = primary(output)
    if states is not None and pooling == "none" and states.dim() == 4:
        states = states.squeeze((2, 3))
    if states is None or states.dim() != _DIMENSIONS[pooling]:
        shape = type(output).__name__ if states is None else tuple(states.shape)
        raise BackboneError(
            f"a {type(network).__name__} gives {shape}",
            expected=f"{_DIMENSIONS[pooling]} dimensions for the pooling {pooling!r}",
        )
    return int(states.shape[1 if pooling == "map" else -1])


def _sized(network: nn.Module, spec: InputSpec, *, pooling: Pooling, width: int) -> InputSpec:
    """Returns a spec that says so where a network takes images of one size only."""
    if not isinstance(spec, ImageSpec) or spec.fixed_size:
        return spec
    usual, small = (max(spec.min_size, side) for side in (_SIDE, _SMALL_SIDE))
    other = small if usual == spec.size else usual
    if other == spec.size:
        return spec
    try:
        fits = found_width(network, replace(spec, size=other), pooling=pooling) == width
    except BackboneError:
        fits = False
    return spec if fits else replace(spec, fixed_size=True)


_DIMENSIONS: dict[Pooling, int] = {"mean": 3, "cls": 3, "map": 4, "none": 2}


def _answer(network: nn.Module, spec: InputSpec, *, side: int) -> Any:
    """Returns what a network gives for one example of zeros; it is left as it was."""
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    if isinstance(spec, ImageSpec):
        batch = {"pixels": torch.zeros(1, spec.channels, side, side, device=device)}
    else:
        ids = torch.zeros(1, min(4, spec.length_limit), dtype=torch.long, device=device)
        batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    with in_evaluation(network), torch.no_grad():
        return call(network, batch)


def _brief(error: Exception) -> str:
    """Returns the first line of a message, or its kind."""
    return str(error).strip().split("\n", 1)[0][:200] or type(error).__name__
