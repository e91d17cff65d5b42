"""Tests that the arrays of Keras's MobileNetV2 land at their places in timm's network."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from regraft.backbones.build import build
from regraft.backbones.sources.mobilenet import (
    ARCHITECTURE,
    OFFSETS,
    convert_mobilenet,
    keras_weights,
    open_mobilenet,
)
from regraft.data.spec import ImageSpec
from regraft.data.starters.models import MODELS

STAGES = (1, 2, 3, 4, 3, 3, 1)
STEPS = {
    "expand": ("conv_pw", "bn1"),
    "depthwise": ("conv_dw", "bn2"),
    "project": ("conv_pwl", "bn3"),
}
FIRST = {"depthwise": ("conv_dw", "bn1"), "project": ("conv_pw", "bn2")}
STATISTICS = ("weight", "bias", "running_mean", "running_var")


def layers() -> list[tuple[str, str]]:
    """Returns timm's convolution and norm for each convolution of Keras, in Keras's order."""
    found = [("conv_stem", "bn1")]
    for number in range(17):
        stage = next(s for s in range(7) if number < sum(STAGES[: s + 1]))
        place = f"blocks.{stage}.{number - sum(STAGES[:stage])}."
        steps = STEPS if number else FIRST
        found += [(place + convolution, place + norm) for convolution, norm in steps.values()]
    return [*found, ("conv_head", "bn2")]


def kernel(values: Tensor, name: str) -> Tensor:
    """Returns a kernel as Keras lays it out: H W I O, depthwise H W C 1."""
    axes = (2, 3, 0, 1) if name.endswith("conv_dw") else (2, 3, 1, 0)
    return values.permute(axes)


@pytest.fixture(scope="module")
def original() -> dict[str, Tensor]:
    """The tensors of a network with random weights and statistics."""
    torch.manual_seed(0)
    weights = build(ARCHITECTURE).state_dict()
    return {n: torch.rand_like(v) if v.is_floating_point() else v for n, v in weights.items()}


@pytest.fixture(scope="module")
def content(original: dict[str, Tensor]) -> bytes:
    """A file that has the original's arrays where Keras put them."""
    arrays = []
    for convolution, norm in layers():
        arrays.append(kernel(original[f"{convolution}.weight"], convolution))
        arrays += [original[f"{norm}.{statistic}"] for statistic in STATISTICS]
    packed = bytearray(10_000_000)
    for offset, array in zip(OFFSETS, arrays, strict=True):
        values = array.contiguous().numpy().astype("<f4").tobytes()
        assert not any(packed[offset : offset + len(values)])  # no two arrays overlap
        packed[offset : offset + len(values)] = values
    return bytes(packed)


def test_every_array_lands_at_its_place(original: dict[str, Tensor], content: bytes) -> None:
    found = keras_weights(content)
    assert found.keys() == original.keys()
    assert all(torch.equal(found[name], value) for name, value in original.items())


def test_it_is_converted_and_opened(
    original: dict[str, Tensor], content: bytes, tmp_path: Path
) -> None:
    (member,) = MODELS["mobilenet-v2"].members
    convert_mobilenet({member: content}.__getitem__, tmp_path)
    backbone = open_mobilenet(MODELS["mobilenet-v2"], tmp_path)
    found = backbone.network.state_dict()
    assert all(torch.equal(found[name], value) for name, value in original.items())
    assert isinstance(backbone.spec, ImageSpec)
    assert (backbone.spec.mean, backbone.spec.std) == ((0.5,) * 3, (0.5,) * 3)


def test_keras_pads_to_the_right_and_has_a_wide_eps() -> None:
    network = build(ARCHITECTURE)
    assert all(m.eps == 1e-3 for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d))
    # On an even side TensorFlow's padding adds nothing at the top: the corner is a pixel.
    pixels = torch.zeros(1, 3, 8, 8)
    pixels[0, :, 0, 0] = 1
    with torch.no_grad():
        found = network.get_submodule("conv_stem")(pixels)[0, :, 0, 0]
    corner = network.state_dict()["conv_stem.weight"].sum(1)[:, 0, 0]
    assert torch.allclose(found, corner, atol=1e-6)
