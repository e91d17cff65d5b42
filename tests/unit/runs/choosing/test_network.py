"""Tests that a network fits grey and coloured images, and that its head is drawn by the seed."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from timm.layers import Conv2dSame, ScaledStdConv2d, StdConv2d
from torch import nn

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
from regraft.features.pooled import pooled_features
from regraft.runs.choosing.network import COLOURLESS, GREY, example, fit_channels, graft
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
