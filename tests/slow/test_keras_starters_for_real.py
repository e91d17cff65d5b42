"""Holds the image starters that come from Keras to the numbers that are known of them."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision import models

from regraft.backbones.backbone import Backbone
from regraft.backbones.graft import pool
from regraft.backbones.open import open_backbone
from regraft.data.images import PixelRows
from regraft.data.spec import ImageSpec

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def mobilenet() -> Backbone:
    return open_backbone("starter:mobilenet-v2")


@pytest.fixture(scope="module")
def vgg16() -> Backbone:
    return open_backbone("starter:vgg16")


@torch.no_grad()
def features(backbone: Backbone, low: float, high: float) -> Tensor:
    """Returns the pooled features of a ramp over all pixels."""
    pixels = torch.linspace(low, high, 3 * 224 * 224).reshape(1, 3, 224, 224)
    return pool(backbone.network(pixels), {}, pooling=backbone.architecture.pooling)[0]


def test_mobilenet_gives_its_known_features(mobilenet: Backbone) -> None:
    found = features(mobilenet, -1, 1)
    assert found.shape == (mobilenet.width,) == (1280,)
    assert float(found.mean()) == pytest.approx(0.26747, abs=1e-5)
    assert float(found.std()) == pytest.approx(0.65343, abs=1e-5)
    assert float(found.max()) == pytest.approx(4.6738, abs=1e-4)
    assert int(found.argmax()) == 371
    assert found[:4].tolist() == pytest.approx([0.06310, 0.09164, 0.29643, 0.39004], abs=1e-5)
    assert sum(value.numel() for value in mobilenet.network.parameters()) == 2_223_872


def test_vgg16_gives_its_known_features(vgg16: Backbone) -> None:
    found = features(vgg16, -120, 150)
    assert found.shape == (vgg16.width,) == (512,)
    assert float(found.mean()) == pytest.approx(0.1872, abs=1e-4)
    assert float(found.std()) == pytest.approx(1.0028, abs=1e-4)
    assert float(found.max()) == pytest.approx(12.406, abs=1e-3)
    assert int(found.argmax()) == 229
    assert sum(value.numel() for value in vgg16.network.parameters()) == 14_714_688


def test_vgg16_has_the_weights_that_keras_published(vgg16: Backbone) -> None:
    weights = vgg16.network.state_dict()
    known = {  # Keras's indices are (H, W, inputs, outputs)
        ("0.weight", (0, 0, 0, 0)): 0.42947057,
        ("0.bias", (25,)): 0.7446502,
        ("2.weight", (63, 63, 2, 2)): 0.016082443,
        ("5.bias", (1,)): 0.06440781,
        ("24.weight", (269, 63, 1, 0)): -0.011236359,
        ("26.bias", (510,)): 0.23517226,
        ("28.weight", (400, 0, 0, 2)): -0.008714244,
    }
    for (name, place), value in known.items():
        assert float(weights[name][place]) == pytest.approx(value, rel=1e-6)


@torch.no_grad()
def test_vgg16s_map_is_that_of_torchvisions_whole_network(vgg16: Backbone) -> None:
    whole = models.vgg16(weights=None, init_weights=False).eval()
    whole.features.load_state_dict(vgg16.network.state_dict(), strict=True)
    pixels = torch.linspace(-120, 150, 3 * 64 * 64).reshape(1, 3, 64, 64)
    assert torch.equal(vgg16.network(pixels), whole.features(pixels))


def test_vgg16_is_fed_as_caffe_fed_it(vgg16: Backbone) -> None:
    spec = vgg16.spec
    assert isinstance(spec, ImageSpec)
    red = torch.tensor([255, 0, 0], dtype=torch.uint8).expand(1, 32, 32, 3).numpy()
    pixels = PixelRows(red, spec).batch(np.zeros(1, np.int64))["pixels"]
    blue_first = [-103.939, -116.779, 255 - 123.68]
    assert pixels[0, :, 0, 0].tolist() == pytest.approx(blue_first, abs=1e-3)
