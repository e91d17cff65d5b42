"""Tests that a network fits grey and coloured images, and that its head is drawn by the seed."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from timm.layers import Conv2dSame, ScaledStdConv2d, StdConv2d
from torch import Tensor, nn

from regraft.backbones.backbone import Architecture, Backbone
from regraft.backbones.modes import Mode
from regraft.backbones.open import open_backbone
from regraft.backbones.sources.module import open_module
from regraft.backbones.sources.transformers import build_transformers
from regraft.backbones.splice import splice
from regraft.data.encode import encode
from regraft.data.load import load
from regraft.data.rows import Dataset, Rows
from regraft.data.spec import ImageSpec, TextSpec
from regraft.errors import BackboneError, SettingsError
from regraft.features.pooled import pooled_features
from regraft.runs.choosing.defaults import TYPED, Choice
from regraft.runs.choosing.network import (
    COLOURLESS,
    GREY,
    check_mask,
    example,
    fit_channels,
    fit_size,
    graft,
)
from regraft.settings import FitSettings
from tests import tiny
from tests.unit.backbones.sources.tiny import BERT

GREYS, LABELS = tiny.toy_pixels(24, grey=True)


def features(backbone: Backbone, rows: Rows) -> npt.NDArray[np.float32]:
    network = graft(backbone, FitSettings(), classes=2)
    encoded = encode(rows, backbone.spec, extent=tiny.SIDE)
    return pooled_features(network, encoded, mode=Mode())


def grey_data() -> Dataset:
    return load((GREYS, LABELS))


def test_the_heads_weights_are_a_function_of_the_seed(bert: Path) -> None:
    backbone = open_backbone(str(bert))
    first, again, other = (
        graft(backbone, FitSettings(seed=seed), classes=3).head.last.weight for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_features_of_grey_images_are_those_of_three_equal_channels(resnet: Path) -> None:
    data = grey_data()
    with_three = features(open_backbone(str(resnet)), data.parts["train"])
    with_one, notes = fit_channels(open_backbone(str(resnet)), data)
    assert notes == [GREY]
    found = features(with_one, data.parts["train"])
    np.testing.assert_allclose(found, with_three, atol=1e-5)
    assert np.abs(with_three).max() > 0.1


def test_the_statistics_of_grey_are_the_means_over_the_colours(tmp_path: Path) -> None:
    backbone = open_backbone(str(tiny.image_backbone(tmp_path, mean=[0.2, 0.4, 0.6])))
    spec = fit_channels(backbone, grey_data())[0].spec
    assert isinstance(spec, ImageSpec)
    assert spec.mean == pytest.approx((0.4,))
    assert spec.std == (0.25,)


def test_one_image_with_colour_keeps_three_channels(resnet: Path) -> None:
    pixels = np.repeat(GREYS[..., None], 3, axis=-1)
    pixels[0, 0, 0] = (0, 0, 255)
    backbone = open_backbone(str(resnet))
    assert fit_channels(backbone, load((pixels, LABELS))) == (backbone, [])


def test_texts_and_networks_without_a_plain_stem_stay_as_they_are(bert: Path, resnet: Path) -> None:
    texts = open_backbone(str(bert))
    assert fit_channels(texts, load(tiny.toy_texts(40))) == (texts, [])
    images = open_backbone(str(resnet))
    for layers in ([nn.Linear(3, 3)], [nn.Conv2d(64, 3, 1)], [nn.Conv2d(3, 3, 1, groups=3)]):
        odd = Backbone("odd", nn.Sequential(*layers), images.spec, 3, images.architecture)
        assert fit_channels(odd, grey_data()) == (odd, [])


@pytest.mark.parametrize(
    ("kind", "summed"), [(Conv2dSame, True), (StdConv2d, False), (ScaledStdConv2d, False)]
)
def test_a_stem_that_standardises_its_weights_keeps_three_channels(
    kind: type[nn.Conv2d], summed: bool, resnet: Path
) -> None:
    images = open_backbone(str(resnet))
    odd = Backbone("odd", nn.Sequential(kind(3, 4, 3)), images.spec, 4, images.architecture)
    assert bool(fit_channels(odd, grey_data())[1]) == summed


def test_a_network_that_weighs_its_three_channels_itself_keeps_them(
    resnet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = open_backbone(str(resnet))
    monkeypatch.setattr(backbone.network, "transform_input", True, raising=False)
    assert fit_channels(backbone, grey_data()) == (backbone, [])
    stem = next(m for m in backbone.network.modules() if isinstance(m, nn.Conv2d))
    assert stem.in_channels == 3


def test_colours_for_a_grey_network_are_warned_of(resnet: Path) -> None:
    grey, _ = fit_channels(open_backbone(str(resnet)), grey_data())
    again, notes = fit_channels(grey, load(tiny.toy_pixels(24)))
    assert again is grey
    assert notes == [COLOURLESS]


def test_an_example_suits_its_network(bert: Path, resnet: Path) -> None:
    texts = example(open_backbone(str(bert)))
    assert texts["input_ids"].shape == texts["attention_mask"].shape
    assert texts["attention_mask"][1].sum() < texts["attention_mask"][0].sum()
    assert example(open_backbone(str(resnet)))["pixels"].shape[:2] == (2, 3)


@pytest.mark.parametrize(("words", "positions"), [(16, 64), (28, 12), (3, 7)])
def test_a_small_vocabulary_and_few_positions_are_no_obstacle(
    words: int, positions: int, tmp_path: Path
) -> None:
    settings = {**BERT, "vocab_size": words, "max_position_embeddings": positions}
    network = build_transformers(Architecture("transformers", "BertModel", settings, "mean"))
    backbone = open_module(network, TextSpec(tmp_path, positions), pooling="mean")
    assert len(splice(network, example(backbone)).blocks) > 2


class TwoReaders(nn.Module):
    """Reads the three channels in two places."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.beside = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        found: Tensor = (self.stem(pixels) + self.beside(pixels)).mean((2, 3))
        return found


class Standardising(nn.Module):
    """Takes a mean of each channel off by itself."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((1, 3, 1, 1), 0.5))
        self.stem = nn.Conv2d(3, 4, 3)

    def forward(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.stem(pixels - self.mean).mean((2, 3))
        return found


@pytest.mark.parametrize("network", [TwoReaders(), Standardising()])
def test_where_more_than_the_stem_reads_three_channels_they_stay(
    network: TwoReaders | Standardising,
) -> None:
    backbone = open_module(network, ImageSpec(tiny.SIDE, (0.5,) * 3, (0.25,) * 3))
    weight = network.stem.weight
    assert fit_channels(backbone, grey_data()) == (backbone, [])
    assert network.stem.weight is weight
    assert network.stem.in_channels == 3
    rows = grey_data().parts["train"]
    assert features(backbone, rows).shape == (len(rows), 4)


class Sized(nn.Module):
    """Takes sides that are multiples of a number, and none below a smallest."""

    def __init__(self, *, step: int, least: int) -> None:
        super().__init__()
        self.step, self.least = step, least
        self.stem, self.top = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        if pixels.shape[-1] % self.step or pixels.shape[-1] < self.least:
            raise ValueError("maps of different sizes")
        found: Tensor = self.top(self.stem(pixels)).mean((2, 3))
        return found


def sized(size: int, *, step: int = 1, least: int = 1) -> Backbone:
    spec = ImageSpec(size, (0.5,) * 3, (0.25,) * 3)
    architecture = Architecture("module", "Sized", {}, "none")
    return Backbone("sized", Sized(step=step, least=least), spec, 4, architecture)


def typed(size: int) -> Choice:
    return Choice("image_size", size, TYPED)


def test_a_network_that_takes_no_small_images_is_spliced_at_its_own_size() -> None:
    assert example(sized(96))["pixels"].shape[-1] == 64
    backbone = sized(96, least=75)
    assert example(backbone)["pixels"].shape == (2, 3, 96, 96)
    assert len(splice(backbone.network, example(backbone)).blocks) == 2


def test_a_size_that_a_network_cannot_take_is_refused() -> None:
    backbone = sized(96, step=32)
    for size in (64, 96, 128):
        assert fit_size(backbone, typed(size)) == typed(size)
    said = "^image_size = 100 cannot be used with sized; try --image-size 96$"
    with pytest.raises(SettingsError, match=said):
        fit_size(backbone, typed(100))


def test_a_size_that_nobody_typed_gives_way_to_the_network_s_own() -> None:
    found = fit_size(sized(96, step=32), Choice("image_size", 100, "small images"))
    assert (found.value, found.reason) == (96, "the network cannot take 100 pixels")


def test_texts_have_no_side(bert: Path) -> None:
    tokens = Choice("max_length", 100, TYPED)
    assert fit_size(open_backbone(str(bert)), tokens) == tokens


def test_maps_are_laid_channels_last_and_volumes_left_as_they_are() -> None:
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv3d(2, 3, 2))
    spec = ImageSpec(tiny.SIDE, (0.5,) * 3, (0.25,) * 3)
    backbone = Backbone("odd", layers, spec, 4, Architecture("module", "odd", {}, "none"))
    graft(backbone, FitSettings(), classes=2)
    plane, volume = (layer.weight for layer in layers)
    assert isinstance(plane, Tensor)
    assert isinstance(volume, Tensor)
    assert plane.is_contiguous(memory_format=torch.channels_last)
    assert volume.is_contiguous()


class Blending(nn.Module):
    """Blends each token with what stands beside it, whatever the mask says."""

    def __init__(self, *, heeds: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.heeds, self.table = heeds, nn.Embedding(32, 8)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states: Tensor = self.table(input_ids)
        if self.heeds:
            states = states * attention_mask.unsqueeze(-1)
        return states + states.sum(1, keepdim=True)


def test_a_network_that_passes_the_mask_over_is_refused(tmp_path: Path, bert: Path) -> None:
    spec = TextSpec(tmp_path, 16)
    check_mask(open_module(Blending(heeds=True), spec, pooling="mean"))
    check_mask(open_backbone(str(bert)))
    mine = open_module(Blending(heeds=False), spec, name="mine", pooling="mean")
    with pytest.raises(BackboneError, match="mine passes the attention mask over"):
        check_mask(mine)


def test_the_mask_may_be_passed_over_where_no_padding_is_read(tmp_path: Path) -> None:
    class Alone(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(32, 8)

        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
            found: Tensor = self.table(input_ids)
            return found

    check_mask(open_module(Alone(), TextSpec(tmp_path, 16), pooling="mean"))


def test_an_encoder_of_transformers_without_a_mask_is_refused(tmp_path: Path) -> None:
    settings = {"vocab_size": 32, "hidden_size": 8, "num_hidden_layers": 1, "intermediate_size": 8}
    network = build_transformers(Architecture("transformers", "FNetModel", settings, "mean"))
    backbone = open_module(network, TextSpec(tmp_path, 16, pad_id=3), name="fnet", pooling="mean")
    with pytest.raises(BackboneError, match="fnet passes the attention mask over"):
        check_mask(backbone)
