"""Makes backbones from single weight files and the name of their architecture."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from regraft.backbones.backbone import Architecture, Backbone
from regraft.backbones.sources.timm import assembled, is_timm, load_timm, pretrained_facts
from regraft.backbones.sources.torchvision import classifiers, loaded_torchvision
from regraft.backbones.weights import Weights, read_weights
from regraft.errors import BackboneError

_WRAPPERS = ("module.", "_orig_mod.")
"""What distributed training and torch.compile put before every name."""


def open_weights_file(path: Path, arch: str | None) -> Backbone:
    """Returns the network of a weight file.

    Args:
        path: `.safetensors` or `.pth`.
        arch: `timm:NAME` or `tv:NAME`; a bare name is looked up in both, timm first.

    Raises:
        BackboneError: If the architecture is missing or unknown, or the weights are not its.
        DamagedFileError: If the file is damaged.
    """
    if arch is None:
        raise BackboneError(
            f"{path} does not say which network its weights belong to",
            hint="--arch timm:NAME or --arch tv:NAME",
        )
    library, name = _library(arch)
    weights = _unwrapped(read_weights(path))
    if library == "tv":
        return loaded_torchvision(name, weights, label=str(path), origin=str(path))
    architecture = Architecture("timm", name, {}, "none")
    facts = pretrained_facts(name) | {"hf_hub_id": None, "origin_url": str(path), "license": ""}
    facts["num_classes"] = _classes(weights, facts.get("classifier"))
    trunk = load_timm(architecture, weights, facts=facts)
    return assembled(trunk, architecture, name=str(path), facts=facts)


def _library(arch: str) -> tuple[str, str]:
    """Returns the library and the name that an architecture means."""
    prefix, _, name = arch.rpartition(":")
    if prefix in ("timm", "tv"):
        return prefix, name
    if not prefix and is_timm(name):
        return "timm", name
    if not prefix and name in classifiers():
        return "tv", name
    raise BackboneError(f"no architecture is called {arch!r}", expected="timm:NAME or tv:NAME")


def _unwrapped(weights: Weights) -> Weights:
    """Returns the weights under the names that they have outside of wrappers."""
    for wrapper in _WRAPPERS:
        if all(name.startswith(wrapper) for name in weights):
            weights = {name.removeprefix(wrapper): value for name, value in weights.items()}
    return {name: value.float() if _is_short(value) else value for name, value in weights.items()}


def _is_short(value: Tensor) -> bool:
    """Says whether a tensor is a half-precision one."""
    return value.dtype in (torch.float16, torch.bfloat16)


def _classes(weights: Weights, classifier: Any) -> int:
    """Returns how many classes the head in a file has; 0 where it has none."""
    names = [classifier] if isinstance(classifier, str) else list(classifier or ())
    found = [weights[f"{name}.weight"] for name in names if f"{name}.weight" in weights]
    return found[0].shape[0] if found else 0
