"""Tests that a program's own network becomes a backbone with an explicit spec."""

from pathlib import Path

import pytest
import timm
import torch
from torch import Tensor, nn

from regraft.backbones.backbone import Architecture, Pooling
from regraft.backbones.sources.module import build_module, open_module, open_object
from regraft.data.spec import ImageSpec, TextSpec
from regraft.errors import BackboneError
from tests.unit.backbones.sources.tiny import tiny_bert

SPEC = ImageSpec(8, (0.5,) * 3, (0.5,) * 3)


class Shape(nn.Module):
    """Gives an output of one shape, whatever comes in."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, pixels: Tensor) -> Tensor:
        return torch.zeros(len(pixels), *self.shape)


@pytest.mark.parametrize(
    ("shape", "pooling", "width"),
    [((5,), "none", 5), ((7, 4, 4), "map", 7), ((9, 6), "mean", 6), ((9, 6), "cls", 6)],
)
def test_the_width_is_found_by_one_pass(
    shape: tuple[int, ...], pooling: Pooling, width: int
) -> None:
    assert open_module(Shape(*shape), SPEC, pooling=pooling).width == width


def test_a_text_network_is_asked_with_token_numbers(tmp_path: Path) -> None:
    backbone = open_module(tiny_bert(), TextSpec(tmp_path, 16), pooling="mean")
    assert backbone.width == 8


def test_a_given_width_needs_no_pass() -> None:
    assert open_module(nn.Identity(), SPEC, width=12).width == 12


def test_an_output_without_a_place_for_the_pooling_is_refused() -> None:
    with pytest.raises(BackboneError, match=r"gives \(1, 5\); expected 4 dimensions"):
        open_module(Shape(5), SPEC, pooling="map")


def test_the_pass_changes_nothing() -> None:
    network = nn.Sequential(nn.BatchNorm2d(3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    open_module(network, SPEC)
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_a_network_of_timm_loses_its_classifier() -> None:
    backbone = open_object(timm.create_model("test_resnet", num_classes=7).eval())
    with torch.no_grad():
        assert backbone.network(torch.zeros(1, 3, 64, 64)).shape == (1, backbone.width)


def test_another_network_is_told_how_to_say_what_it_is_fed() -> None:
    with pytest.raises(BackboneError, match=r"a Linear does not say.*open_module"):
        open_object(nn.Linear(2, 2))


def test_a_programs_network_cannot_be_built() -> None:
    with pytest.raises(BackboneError, match="Net came from a Python program"):
        build_module(Architecture("module", "Net", {}, "none"))
