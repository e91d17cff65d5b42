"""Tests that the trunk of VGG16 gets torchvision's names, and is opened as Caffe fed it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torchvision import models

from regraft.backbones.build import build
from regraft.backbones.sources.vgg16 import (
    ARCHITECTURE,
    convert_vgg16,
    open_vgg16,
    trunk_weights,
)
from regraft.data.spec import ImageSpec
from regraft.data.starters.models import MODELS
from tests.unit.backbones.sources.onnx_files import model, tensor

LAYERS = [(b, c) for b, count in enumerate((2, 2, 3, 3, 3), 1) for c in range(1, count + 1)]
"""Block and number of each convolution, in the order in which they are passed."""


def fabricated() -> bytes:
    """Returns an ONNX file with kernels and biases that hold the place of their layer."""
    tensors = [tensor("functional_1/dense_1/MatMul/ReadVariableOp:0", np.zeros((2, 2), np.float32))]
    for place, (block, number) in enumerate(LAYERS):
        layer = f"functional_1/block{block}_conv{number}_1"
        kernel = np.full((2, 1, 3, 3), place, np.float32)
        tensors.append(tensor(f"{layer}/Squeeze:0", np.full(2, -place, np.float32)))
        tensors.append(tensor(f"{layer}/convolution/ReadVariableOp:0", kernel))
    return model(*tensors)


def test_every_convolution_gets_the_name_of_its_place() -> None:
    found = trunk_weights(fabricated())
    with torch.device("meta"):
        trunk = models.vgg16(weights=None).features
    names = list(trunk.state_dict())
    assert found.keys() == set(names)
    for place, (kernel, bias) in enumerate(zip(names[::2], names[1::2], strict=True)):
        assert set(found[kernel].unique().tolist()) == {place}
        assert set(found[bias].unique().tolist()) == {-place}


def test_the_trunk_alone_is_written(tmp_path: Path) -> None:
    convert_vgg16(
        {member: fabricated() for member in MODELS["vgg16"].members}.__getitem__, tmp_path
    )
    assert len(load_file(tmp_path / "model.safetensors")) == 26


def test_vgg16_is_opened_from_its_folder(tmp_path: Path) -> None:
    weights = build(ARCHITECTURE).state_dict()
    save_file(weights, tmp_path / "model.safetensors")
    backbone = open_vgg16(MODELS["vgg16"], tmp_path)
    found = backbone.network.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in weights.items())
    spec = backbone.spec
    assert isinstance(spec, ImageSpec)
    assert spec.reversed_channels
    assert (spec.scale, spec.std) == (1.0, (1.0, 1.0, 1.0))
    assert spec.mean == pytest.approx((103.939, 116.779, 123.68))
    with torch.no_grad():
        made = backbone.network(torch.zeros(1, 3, 32, 32))
    assert made.shape == (1, backbone.width, 1, 1)
