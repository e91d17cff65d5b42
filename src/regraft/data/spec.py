"""Defines what a network wants to be fed: `TextSpec` and `ImageSpec`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Cut = Literal["end", "middle"]
Interpolation = Literal["bilinear", "bicubic", "nearest", "lanczos"]


@dataclass(frozen=True)
class TextSpec:
    """How texts become token numbers.

    Args:
        tokenizer: Folder that holds `tokenizer.json`.
        length_limit: The most tokens that the network takes, special ones included.
        pad_id: Token number that fills short rows up.
        prefix: Put before every text (E5 models want `query: `).
        scripts: Unicode scripts that the network was trained on, such as `latin`; empty = any.
        cut: What is left out of a text that is too long.
    """

    tokenizer: Path
    length_limit: int
    pad_id: int = 0
    prefix: str = ""
    scripts: tuple[str, ...] = ()
    cut: Cut = "end"


@dataclass(frozen=True)
class ImageSpec:
    """How images become pixels.

    Args:
        size: Side in pixels that the network was trained at.
        mean: Mean of each channel after division by `scale`.
        std: Standard deviation of each channel after division by `scale`.
        scale: What 0..255 is divided by (255, or 1 for Caffe-style statistics).
        interpolation: How images are resized.
        crop_ratio: Side of the centre crop as a share of the resized short side.
        channels: Channels that the network takes.
        min_size: Smallest side in pixels that the network can take; never above `size`.
        fixed_size: Whether `size` is the only side that the network takes.
        reversed_channels: Whether the channel order is BGR.
    """

    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    scale: float = 255.0
    interpolation: Interpolation = "bicubic"
    crop_ratio: float = 1.0
    channels: int = 3
    min_size: int = 32
    fixed_size: bool = False
    reversed_channels: bool = False

    def __post_init__(self) -> None:
        if self.min_size > self.size:
            object.__setattr__(self, "min_size", self.size)


InputSpec = TextSpec | ImageSpec
