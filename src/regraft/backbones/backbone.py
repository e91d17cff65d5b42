"""Defines a backbone: a pretrained network, what it is fed, and how to build it again."""

from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn

from regraft.data.spec import InputSpec

Library = Literal["transformers", "timm", "torchvision", "module"]
Pooling = Literal["mean", "cls", "map", "none"]
Batch = dict[str, Tensor]
"""Texts: `input_ids` and `attention_mask`, both (B, T). Images: `pixels`, (B, C, H, W)."""


@dataclass(frozen=True)
class Architecture:
    """What builds the network again without its weights; plain data for `config.json`.

    Args:
        library: Which library's code builds it; `module` = the user's own object.
        name: The library's name (`BertModel`, `tf_efficientnet_lite0`, `resnet18`).
        arguments: JSON arguments: transformers' configuration, timm's keyword arguments.
        pooling: How (B, T, D) becomes (B, D): mean over the mask, first token, mean over
            the map (B, C, H, W), or none when the network gives (B, D) itself.
    """

    library: Library
    name: str
    arguments: dict[str, Any]
    pooling: Pooling


@dataclass(frozen=True)
class Backbone:
    """A pretrained trunk without a head.

    Args:
        name: As typed, with its source (`starter:minilm`).
        network: The library's own module; called with `Batch` by `graft.features`.
        spec: What it is fed.
        width: D, the width of the pooled features.
        architecture: How to build it again.
        licence: Of the weights, as stated where they came from.
        origin: Place and revision of the weights.
    """

    name: str
    network: nn.Module
    spec: InputSpec
    width: int
    architecture: Architecture
    licence: str = ""
    origin: str = ""
