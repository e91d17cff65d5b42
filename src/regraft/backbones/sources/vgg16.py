"""Makes the starter `vgg16` from the trunk in an ONNX file that Keras's network went into."""

from pathlib import Path

from safetensors.torch import save_file

from regraft.backbones.backbone import Architecture, Backbone
from regraft.backbones.sources.cached import WEIGHTS, Read, cached_backbone
from regraft.backbones.sources.onnx import read_initialisers
from regraft.backbones.weights import Weights
from regraft.data.spec import ImageSpec
from regraft.data.starters.models import MODELS, StarterModel

ARCHITECTURE = Architecture("torchvision", "vgg16", {}, "map")
"""The convolutions alone: VGG's own classifier (nine tenths of its weights) gives way to the head,
which takes the mean over the map."""
_CONVOLUTIONS = {1: (0, 2), 2: (5, 7), 3: (10, 12, 14), 4: (17, 19, 21), 5: (24, 26, 28)}
"""torchvision's places of the convolutions of each block."""


def convert_vgg16(read: Read, folder: Path) -> None:
    """Writes the trunk under torchvision's names.

    Args:
        read: Gives the bytes of the member.
        folder: Where the weights go.

    Raises:
        DamagedFileError: If the member is no ONNX model.
    """
    (member,) = MODELS["vgg16"].members
    save_file(trunk_weights(read(member)), folder / WEIGHTS, metadata={"format": "pt"})


def open_vgg16(entry: StarterModel, folder: Path) -> Backbone:
    """Returns the image network from its folder in the cache."""
    # Caffe's statistics: blue first, 0..255, no division.
    spec = ImageSpec(
        224,
        (103.939, 116.779, 123.68),
        (1.0, 1.0, 1.0),
        scale=1.0,
        interpolation="bilinear",
        crop_ratio=0.875,
        reversed_channels=True,
    )
    return cached_backbone(entry, folder, architecture=ARCHITECTURE, spec=spec)


def trunk_weights(content: bytes) -> Weights:
    """Returns the 13 convolutions; the file's head, which tells tumours apart, is left out.

    Args:
        content: The ONNX file, its kernels already (outputs, inputs, H, W).

    Raises:
        DamagedFileError: If the bytes are no ONNX model.
    """
    found, weights = read_initialisers(content), {}
    for block, places in _CONVOLUTIONS.items():
        for number, place in enumerate(places, start=1):
            layer = f"functional_1/block{block}_conv{number}_1"
            weights[f"{place}.weight"] = found[f"{layer}/convolution/ReadVariableOp:0"]
            weights[f"{place}.bias"] = found[f"{layer}/Squeeze:0"]
    return weights
