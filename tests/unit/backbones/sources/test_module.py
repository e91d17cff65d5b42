"""Tests that a program's own network becomes a backbone with an explicit spec."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn

from regraft.backbones.backbone import Architecture, Pooling
from regraft.backbones.build import build
from regraft.backbones.sources.module import build_module, open_module, open_object
from regraft.backbones.weights import load_into_network
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


@pytest.mark.parametrize(
    ("arguments", "size", "channels"),
    [
        ({"model_name": "test_resnet", "in_chans": 1}, 160, 1),
        ({"model_name": "test_vit", "img_size": 64}, 64, 3),
        ({"model_name": "test_vit", "img_size": 64, "in_chans": 1}, 64, 1),
    ],
)
def test_a_network_of_timm_that_was_made_with_arguments_is_fed_as_it_was_made(
    arguments: dict[str, Any], size: int, channels: int
) -> None:
    backbone = open_object(timm.create_model(**arguments).eval())
    assert isinstance(backbone.spec, ImageSpec)
    assert (backbone.spec.size, backbone.spec.channels) == (size, channels)
    assert len(backbone.spec.mean) == len(backbone.spec.std) == channels
    pixels = torch.rand(1, channels, size, size)
    assert backbone.architecture.library == "timm"
    built = build(backbone.architecture)
    load_into_network(built, backbone.network.state_dict(), source="it")
    with torch.no_grad():
        assert torch.equal(built(pixels), backbone.network(pixels))


@pytest.mark.parametrize("arguments", [{"depth": 2}, {"act_layer": "relu"}])
def test_a_network_of_timm_that_its_name_does_not_build_is_the_programs_own(
    arguments: dict[str, Any],
) -> None:
    network = timm.create_model("test_vit", **arguments)
    network.train()
    backbone = open_object(network)
    assert backbone.architecture.library == "module"
    assert network.training


def test_a_network_of_timm_for_other_channels_is_refused() -> None:
    with pytest.raises(BackboneError, match=r"timm:test_resnet takes images of 4 channels"):
        open_object(timm.create_model("test_resnet", in_chans=4))


class Named(Shape):
    """Gives its output in a dict, beside a whole number."""

    def forward(self, pixels: Tensor) -> Any:
        return {"count": torch.tensor(1), "features": super().forward(pixels)}


class Paired(Shape):
    """Gives its output in a tuple."""

    def forward(self, pixels: Tensor) -> Any:
        return super().forward(pixels), None


@pytest.mark.parametrize("kind", [Named, Paired, Shape])
@pytest.mark.parametrize(
    ("shape", "pooling"), [((5,), "none"), ((5, 1, 1), "none"), ((9, 5), "mean")]
)
def test_outputs_are_found_where_the_pooling_finds_them(
    kind: type[Shape], shape: tuple[int, ...], pooling: Pooling
) -> None:
    assert open_module(kind(*shape), SPEC, pooling=pooling).width == 5


@pytest.mark.parametrize(("side", "fixed"), [(28, True), (64, True), (96, True)])
def test_a_network_that_takes_one_size_is_known_by_trying(side: int, fixed: bool) -> None:
    spec = replace(SPEC, size=side)
    layers = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(2 * side * side, 4))
    found = open_module(layers, spec).spec
    assert isinstance(found, ImageSpec)
    assert (found.fixed_size, found.size) == (fixed, side)
    assert found.min_size <= side
    free = nn.Sequential(nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert open_module(free, spec).spec == spec


def test_a_network_that_does_not_take_what_the_spec_says_is_refused() -> None:
    with pytest.raises(BackboneError, match=r"a Linear does not take images of 8 pixels \("):
        open_module(nn.Linear(5, 2), SPEC)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64])
def test_numbers_of_other_formats_are_refused(kind: torch.dtype) -> None:
    with pytest.raises(BackboneError, match=rf"has numbers in {kind}.*network\.float\(\)"):
        open_module(nn.Conv2d(3, 2, 1).to(kind), SPEC)


def test_other_channels_than_grey_or_colours_are_refused() -> None:
    four = ImageSpec(8, (0.5,) * 4, (0.5,) * 4, channels=4)
    with pytest.raises(BackboneError, match=r"mine takes images of 4 channels; expected 1 "):
        open_module(nn.Conv2d(4, 2, 1), four, name="mine")


def test_another_network_is_told_how_to_say_what_it_is_fed() -> None:
    with pytest.raises(BackboneError, match=r"a Linear does not say.*open_module"):
        open_object(nn.Linear(2, 2))


def test_a_programs_network_cannot_be_built() -> None:
    with pytest.raises(BackboneError, match="Net came from a Python program"):
        build_module(Architecture("module", "Net", {}, "none"))
