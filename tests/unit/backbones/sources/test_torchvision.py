"""Tests that torchvision's classifiers lose their last layer and keep all else."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision import models

from regraft.backbones.backbone import Architecture
from regraft.backbones.sources import torchvision as source
from regraft.backbones.sources.torchvision import (
    build_torchvision,
    default_weights,
    loaded_torchvision,
    open_torchvision,
    torchvision_spec,
)
from regraft.data.spec import ImageSpec
from regraft.errors import BackboneError, UnreachableError

SMALL = "squeezenet1_1"


def quiet(line: str) -> None:
    """Takes a line of progress and drops it."""


@pytest.fixture
def whole() -> nn.Module:
    """A whole classifier with random weights."""
    torch.manual_seed(0)
    network: nn.Module = models.get_model(SMALL, weights=None)
    return network.eval()


class Stand(nn.Module):
    """A network whose head is like those of a family."""

    def __init__(self, name: str, head: nn.Module) -> None:
        super().__init__()
        self.features = nn.Linear(3, 4)
        setattr(self, name, head)


@pytest.mark.parametrize(
    ("family", "label", "head", "width", "left"),
    [
        ("resnet18", "fc", nn.Linear(4, 9), 4, 0),
        ("densenet", "classifier", nn.Linear(4, 9), 4, 0),
        ("efficientnet", "classifier", nn.Sequential(nn.Dropout(), nn.Linear(4, 9)), 4, 0),
        (
            "mobilenet_v3",
            "classifier",
            nn.Sequential(nn.Linear(4, 6), nn.Hardswish(), nn.Linear(6, 9)),
            6,
            1,
        ),
        ("vit_b_16", "heads", nn.Sequential(nn.Linear(4, 9)), 4, 0),
        ("swin_t", "head", nn.Linear(4, 9), 4, 0),
        ("squeezenet", "classifier", nn.Sequential(nn.Conv2d(4, 9, 1), nn.ReLU()), 4, 0),
        ("vgg11", "classifier", nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 9)), 4, 0),
        ("alexnet", "classifier", nn.Sequential(nn.Dropout(), nn.Linear(4, 6)), 4, 0),
    ],
)
def test_each_family_loses_its_last_layer(
    family: str, label: str, head: nn.Module, width: int, left: int
) -> None:
    network = Stand(label, head)
    assert source._strip(network, family) == width
    layers = [m for m in getattr(network, label).modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    assert len(layers) == left


def test_the_trunk_gives_features_of_the_said_width(whole: nn.Module) -> None:
    backbone = loaded_torchvision(SMALL, whole.state_dict(), label="mine", origin="here")
    with torch.no_grad():
        features = backbone.network(torch.rand(1, 3, 64, 64))
    assert features.shape == (1, backbone.width) == (1, 512)
    kept = whole.state_dict()
    assert all(
        torch.equal(value, kept[name]) for name, value in backbone.network.state_dict().items()
    )


def test_default_weights_come_from_torchs_own_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: nn.Module
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(whole.state_dict(), folder / Path(default_weights(SMALL).url).name)
    backbone = open_torchvision(SMALL, say=quiet)
    assert backbone.name == f"tv:{SMALL}"
    assert backbone.origin == default_weights(SMALL).url


def test_weights_that_cannot_be_fetched_are_named_with_their_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("REGRAFT_OFFLINE", "1")
    with pytest.raises(UnreachableError, match=r"squeezenet1_1-\w+\.pth \(5\.0 MB\) is not on"):
        open_torchvision(SMALL, say=quiet)


def test_a_missing_tensor_is_named(whole: nn.Module) -> None:
    weights = whole.state_dict()
    del weights["features.0.weight"]
    with pytest.raises(BackboneError, match=r"mine lacks features\.0\.weight"):
        loaded_torchvision(SMALL, weights, label="mine", origin="here")


def test_a_file_of_a_larger_network_is_refused(whole: nn.Module) -> None:
    weights = {**whole.state_dict(), "features.13.squeeze.weight": torch.zeros(1)}
    with pytest.raises(BackboneError, match=r"mine has, without a place for it, features\.13"):
        loaded_torchvision(SMALL, weights, label="mine", origin="here")


@pytest.mark.parametrize("name", ["classifier.9.weight", "fc.bias", "aux1.fc1.bias", "AuxLogits.w"])
def test_heads_and_side_classifiers_are_left_aside(whole: nn.Module, name: str) -> None:
    weights = {**whole.state_dict(), name: torch.zeros(1)}
    loaded_torchvision(SMALL, weights, label="mine", origin="here")


def test_a_network_that_looks_at_its_version_is_opened() -> None:
    network: nn.Module = models.get_model("mnasnet0_5", weights=None)
    backbone = loaded_torchvision("mnasnet0_5", network.state_dict(), label="mine", origin="here")
    found = backbone.network.state_dict()
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in found.items())


@pytest.mark.parametrize("names", ["of today", "of the file"])
def test_files_of_densenet_are_opened(names: str) -> None:
    torch.manual_seed(0)
    network: nn.Module = models.get_model("densenet121", weights=None)
    weights = network.state_dict()
    if names == "of the file":
        pattern = re.compile(r"(denselayer\d+\.(?:norm|conv))([12])\.")
        weights = {pattern.sub(r"\1.\2.", name): value for name, value in weights.items()}
        assert "features.denseblock1.denselayer1.norm.1.weight" in weights
    backbone = loaded_torchvision("densenet121", weights, label="mine", origin="here")
    found = backbone.network.state_dict()
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in found.items())


def tiny_vit(name: str, *, image_size: int = 224, weights: None = None) -> nn.Module:
    """A vision transformer of the named one's patches, with one narrow layer."""
    patch = int(name.rpartition("_")[-1])
    network: nn.Module = models.VisionTransformer(image_size, patch, 1, 2, 8, 16)
    return network


@pytest.mark.parametrize(
    ("name", "side"), [("vit_b_16", 224), ("vit_b_16", 384), ("vit_h_14", 518)]
)
def test_files_of_vision_transformers_are_opened_at_their_size(
    name: str, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "get_model", tiny_vit)
    torch.manual_seed(0)
    network = tiny_vit(name, image_size=side)
    old = {"mlp.0.": "mlp.linear_1.", "mlp.3.": "mlp.linear_2."}
    weights = dict(network.state_dict())
    for key in list(weights):
        for today, before in old.items():
            if today in key:
                weights[key.replace(today, before)] = weights.pop(key)
    assert "encoder.layers.encoder_layer_0.mlp.linear_1.weight" in weights
    backbone = loaded_torchvision(name, weights, label="mine", origin="here")
    found = backbone.network.state_dict()
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in found.items())
    assert isinstance(backbone.spec, ImageSpec)
    assert (backbone.spec.size, backbone.spec.min_size) == (side, side)
    again = build_torchvision(backbone.architecture)
    assert again(torch.zeros(1, 3, side, side)).shape == (1, backbone.width)


def test_files_older_than_the_batch_counters_are_taken() -> None:
    network = nn.BatchNorm2d(2)
    old = {k: v for k, v in network.state_dict().items() if k != "num_batches_tracked"}
    assert source._with_counters(network, old).keys() == network.state_dict().keys()


def test_the_spec_is_the_one_of_the_default_weights() -> None:
    spec = torchvision_spec("resnet18")
    assert (spec.size, spec.crop_ratio, spec.interpolation) == (224, 0.875, "bilinear")
    assert spec.mean == (0.485, 0.456, 0.406)
    assert not spec.fixed_size
    assert torchvision_spec("vit_b_16").fixed_size
    assert torchvision_spec("inception_v3").min_size == 75


def test_building_fetches_nothing() -> None:
    arguments = {"weights": "DEFAULT"}
    network = build_torchvision(Architecture("torchvision", SMALL, arguments, "none"))
    assert not network.training


@pytest.mark.parametrize("name", ["resnet81", "fasterrcnn_resnet50_fpn"])
def test_what_is_no_classifier_is_refused(name: str) -> None:
    with pytest.raises(BackboneError, match=f"no classifier '{name}'"):
        default_weights(name)
