"""Makes backbones from torchvision's classifiers with their default weights."""

import math
import re
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from regraft.backbones.backbone import Architecture, Backbone
from regraft.backbones.pairing import paired_torch
from regraft.backbones.sources.hub import checkpoint_file
from regraft.backbones.weights import Weights, load_into_network, read_weights
from regraft.data.spec import ImageSpec, Interpolation
from regraft.data.starters.wheels import Say, say_on_stderr
from regraft.errors import BackboneError, nearest

MEGABYTE = 2**20
"""Bytes of one, as torchvision counts the size of a file."""
_HEADS = ("fc", "classifier", "heads", "head")
_WHOLE_CLASSIFIER = ("vgg", "alexnet")
"""Families whose classifier is wider than their trunk: it is left out whole."""
_FIXED = ("vit_", "maxvit")
"""Families that take one size only."""
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "googlenet": {"aux_logits": False, "transform_input": True, "init_weights": False},
    "inception_v3": {"aux_logits": False, "transform_input": True, "init_weights": False},
}
"""What torchvision itself sets for networks with pretrained weights."""
_RENAMED = (
    (re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..*)$"), r"\1\2"),
    (re.compile(r"^(.*\.mlp)\.linear_1\.(weight|bias)$"), r"\1.0.\2"),
    (re.compile(r"^(.*\.mlp)\.linear_2\.(weight|bias)$"), r"\1.3.\2"),
)
"""What files of densenet and of vision transformers call otherwise than the networks of today."""
_LEFT_ASIDE = (*(f"{head}." for head in _HEADS), "aux", "AuxLogits")
"""What the names of heads and of side classifiers begin with."""
_USUAL_SIDE = 224
"""Pixels a side that torchvision builds vision transformers for, if nothing else is said."""
_INTERPOLATIONS: dict[str, Interpolation] = {
    "bilinear": "bilinear",
    "bicubic": "bicubic",
    "nearest": "nearest",
    "lanczos": "lanczos",
}


def open_torchvision(name: str, *, say: Say = say_on_stderr) -> Backbone:
    """Returns a classifier of torchvision with its default weights, without its last layer.

    Args:
        name: torchvision's name, such as `resnet18`.
        say: Takes one line of progress.

    Raises:
        BackboneError: If torchvision has no such classifier.
        UnreachableError: If the weights are not local and cannot or must not be fetched.
    """
    default = default_weights(name)
    # The digits at the end of the file's name are the first of its SHA-256.
    digest = str(default.url).rsplit("-", 1)[-1].removesuffix(".pth")
    size = float(default.meta.get("_file_size", 0)) * MEGABYTE
    path = checkpoint_file(default.url, digest=digest, size=size, say=say)
    weights = read_weights(path)
    return loaded_torchvision(name, weights, label=f"tv:{name}", origin=default.url)


def loaded_torchvision(name: str, weights: Weights, *, label: str, origin: str) -> Backbone:
    """Returns a classifier of torchvision with given weights, without its last layer.

    Args:
        name: torchvision's name.
        weights: Of the trunk; those of a head or of side classifiers are left aside.
        label: The backbone's name.
        origin: Where the weights came from.

    Raises:
        BackboneError: If the weights are not those of the network.
    """
    _refuse_unknown(name)
    weights = _renamed(weights)
    side = _side_of(name, weights)
    sized = {"image_size": side} if side not in (None, _USUAL_SIDE) else {}
    arguments = {**_ARGUMENTS.get(name, {}), **sized}
    architecture = Architecture("torchvision", name, arguments, "none")
    network, width = _trunk(architecture)
    names = network.state_dict().keys()
    kept = {k: v for k, v in weights.items() if k in names or not k.startswith(_LEFT_ASIDE)}
    load_into_network(network, _with_counters(network, kept), source=label)
    spec = torchvision_spec(name)
    return Backbone(
        name=label,
        network=network,
        spec=replace(spec, size=side, min_size=side) if side else spec,
        width=width,
        architecture=architecture,
        licence="BSD-3-Clause (torchvision); none stated for the weights",
        origin=origin,
    )


def build_torchvision(architecture: Architecture) -> nn.Module:
    """Returns the network of an architecture with random weights and no last layer.

    With the pooling `map` it is the part that makes the map alone (`features`, as VGG has).

    Raises:
        BackboneError: If torchvision has no classifier of that name.
    """
    return _map(architecture) if architecture.pooling == "map" else _trunk(architecture)[0]


def classifiers() -> list[str]:
    """Returns the names of torchvision's classifiers."""
    with paired_torch():
        from torchvision import models
    return list(models.list_models(module=models))


def default_weights(name: str) -> Any:
    """Returns what torchvision knows of a classifier's default weights.

    Raises:
        BackboneError: If torchvision has no classifier of that name.
    """
    _refuse_unknown(name)
    from torchvision import models

    return models.get_model_weights(name).DEFAULT


def torchvision_spec(name: str) -> ImageSpec:
    """Returns how images are fed to a classifier of torchvision."""
    default = default_weights(name)
    steps = default.transforms()
    crop, resized = int(steps.crop_size[0]), int(steps.resize_size[0])
    return ImageSpec(
        size=crop,
        mean=tuple(steps.mean),
        std=tuple(steps.std),
        interpolation=_INTERPOLATIONS.get(steps.interpolation.value, "bilinear"),
        crop_ratio=min(1.0, crop / resized),
        min_size=max(default.meta.get("min_size", (32, 32))),
        fixed_size=name.startswith(_FIXED),
    )


def _trunk(architecture: Architecture) -> tuple[nn.Module, int]:
    """Returns a network without its last layer, and the width that went into that layer."""
    _refuse_unknown(architecture.name)
    from torchvision import models

    arguments = {**architecture.arguments, "weights": None}
    network: nn.Module = models.get_model(architecture.name, **arguments)
    return network.eval(), _strip(network, architecture.name)


def _map(architecture: Architecture) -> nn.Module:
    """Returns the part of a network that makes the map (B, C, H, W), with random weights."""
    _refuse_unknown(architecture.name)
    from torchvision import models

    # VGG's classifier alone would fill half a gigabyte with random numbers.
    with torch.device("meta"):
        whole = models.get_model(architecture.name, **architecture.arguments, weights=None)
    features: nn.Module = whole.features.to_empty(device="cpu")
    for module in features.modules():
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
            module.reset_parameters()
    return features.eval()


def _strip(network: nn.Module, name: str) -> int:
    """Replaces the last layer by one that does nothing and returns the width before it."""
    head = next(label for label in _HEADS if hasattr(network, label))
    layers = [
        (path, layer)
        for path, layer in network.get_submodule(head).named_modules(prefix=head)
        if isinstance(layer, nn.Linear | nn.Conv2d)
    ]
    if name.startswith(_WHOLE_CLASSIFIER):
        path, layer = head, layers[0][1]
    else:
        path, layer = layers[-1]
    network.set_submodule(path, nn.Identity())
    return layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels


def _renamed(weights: Weights) -> Weights:
    """Returns weights under the names that torchvision's networks have today."""
    found: Weights = {}
    for name, value in weights.items():
        for pattern, new in _RENAMED:
            name = pattern.sub(new, name)
        found[name] = value
    return found


def _side_of(name: str, weights: Weights) -> int | None:
    """Returns the pixels a side that a vision transformer's positions are for; None elsewhere."""
    positions = weights.get("encoder.pos_embedding")
    if not name.startswith("vit_") or positions is None or positions.dim() != 3:
        return None
    # One position is the class token's; a name ends with the side of a patch.
    return max(1, math.isqrt(positions.shape[1] - 1)) * int(name.rpartition("_")[-1])


def _with_counters(network: nn.Module, weights: Weights) -> Weights:
    """Adds the batch counters that files older than those counters lack."""
    counters = {
        name: value
        for name, value in network.state_dict().items()
        if name.endswith("num_batches_tracked")
    }
    return counters | weights


def _refuse_unknown(name: str) -> None:
    """Raises where torchvision has no classifier of that name."""
    names = classifiers()
    if name not in names:
        close = nearest(name, names)
        raise BackboneError(
            f"torchvision has no classifier {name!r}",
            hint=f"tv:{close}" if close else "regraft list backbones",
        )
