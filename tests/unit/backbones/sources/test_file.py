"""Tests that a weight file and an architecture make a backbone."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torchvision import models

from regraft.backbones.sources.file import open_weights_file
from regraft.errors import BackboneError

NET = "test_resnet"


@pytest.mark.parametrize("classes", [0, 7])
@pytest.mark.parametrize("arch", [f"timm:{NET}", NET])
def test_a_file_of_timm_is_opened_with_or_without_its_head(
    tmp_path: Path, classes: int, arch: str
) -> None:
    torch.manual_seed(0)
    whole = timm.create_model(NET, num_classes=classes)
    save_file(whole.state_dict(), tmp_path / "w.safetensors")
    backbone = open_weights_file(tmp_path / "w.safetensors", arch)
    kept = whole.state_dict()
    assert all(
        torch.equal(value, kept[name]) for name, value in backbone.network.state_dict().items()
    )
    assert backbone.origin == str(tmp_path / "w.safetensors")


def test_a_file_of_torchvision_is_opened(tmp_path: Path) -> None:
    torch.save(models.squeezenet1_1(weights=None).state_dict(), tmp_path / "w.pth")
    backbone = open_weights_file(tmp_path / "w.pth", "tv:squeezenet1_1")
    assert backbone.architecture.library == "torchvision"
    assert open_weights_file(tmp_path / "w.pth", "squeezenet1_1").width == 512


def test_what_wrappers_and_half_precision_did_is_undone(tmp_path: Path) -> None:
    weights = timm.create_model(NET, num_classes=7).state_dict()
    wrapped = {f"module.{name}": value.half() if value.is_floating_point() else value
               for name, value in weights.items()}  # fmt: skip
    torch.save({"state_dict": wrapped}, tmp_path / "w.pth")
    network = open_weights_file(tmp_path / "w.pth", NET).network
    assert {value.dtype for value in network.parameters()} == {torch.float32}


def test_the_architecture_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="--arch timm:NAME or --arch tv:NAME"):
        open_weights_file(tmp_path / "w.pth", None)


@pytest.mark.parametrize("arch", ["no-such-net", "keras:resnet50"])
def test_an_unknown_architecture_is_refused(tmp_path: Path, arch: str) -> None:
    with pytest.raises(BackboneError, match="no architecture is called"):
        open_weights_file(tmp_path / "w.pth", arch)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_file(timm.create_model("test_vit", num_classes=7).state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(BackboneError, match="not those of timm's test_resnet"):
        open_weights_file(tmp_path / "w.safetensors", NET)
