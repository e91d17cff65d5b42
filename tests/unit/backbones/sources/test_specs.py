"""Tests that preprocessing files become the input specs they mean."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from regraft.backbones.sources.specs import (
    _POSITIONS_FROM_PAD,
    image_spec,
    refuse_channels,
    text_spec,
)
from regraft.data.spec import ImageSpec
from regraft.errors import BackboneError
from tests.unit.backbones.sources.tiny import save_tokenizer


def config(kind: str = "vit", **settings: Any) -> SimpleNamespace:
    return SimpleNamespace(model_type=kind, **settings)


def test_a_side_that_is_cropped_is_the_final_one() -> None:
    settings = {
        "size": {"shortest_edge": 256},
        "crop_size": {"height": 224, "width": 224},
        "do_center_crop": True,
        "resample": 2,
        "image_mean": [0.1, 0.2, 0.3],
        "image_std": [0.4, 0.5, 0.6],
    }
    spec = image_spec(settings, config("resnet"))
    assert (spec.size, spec.crop_ratio) == (224, 0.875)
    assert (spec.mean, spec.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert (spec.interpolation, spec.scale) == ("bilinear", 255.0)
    assert not spec.fixed_size


def test_vit_takes_one_size_only() -> None:
    spec = image_spec({"size": {"height": 16, "width": 16}}, config("vit"))
    assert (spec.size, spec.crop_ratio, spec.fixed_size) == (16, 1.0, True)


def test_convnext_crops_by_its_share() -> None:
    spec = image_spec({"size": {"shortest_edge": 224}, "crop_pct": 0.875}, config("convnext"))
    assert (spec.size, spec.crop_ratio) == (224, 0.875)
    spec = image_spec({"size": {"shortest_edge": 384}, "crop_pct": 0.875}, config("convnext"))
    assert (spec.size, spec.crop_ratio) == (384, 1.0)


def test_old_files_write_the_size_as_a_number() -> None:
    assert image_spec({"size": 96}, config()).size == 96


def test_without_normalisation_pixels_stay_as_they_are() -> None:
    settings = {"do_normalize": False, "image_mean": [0.5], "rescale_factor": 1 / 127.5}
    spec = image_spec(settings, config(num_channels=1))
    assert (spec.mean, spec.std, spec.channels) == ((0.0,), (1.0,), 1)
    assert spec.scale == pytest.approx(127.5)


@pytest.mark.parametrize(
    ("kind", "positions", "pad", "limit"),
    [
        ("bert", 512, 0, 512),
        ("roberta", 514, 1, 512),
        ("roberta-prelayernorm", 514, 1, 512),
        ("data2vec-text", 514, 1, 512),
        ("luke", 514, 1, 512),
        ("ibert", 514, 1, 512),
        ("esm", 1026, 1, 1024),
        ("xlnet", None, 5, 512),
    ],
)
def test_texts_are_cut_where_the_positions_end(
    tmp_path: Path, kind: str, positions: int | None, pad: int, limit: int
) -> None:
    save_tokenizer(tmp_path)
    settings = config(kind, max_position_embeddings=positions, pad_token_id=pad)
    spec = text_spec(tmp_path, settings)
    assert (spec.length_limit, spec.pad_id, spec.tokenizer) == (limit, pad, tmp_path)


def test_a_folder_without_tokenizer_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"tokenizer\.json.*save_pretrained"):
        text_spec(tmp_path, config("bert"))


@pytest.mark.parametrize("kind", _POSITIONS_FROM_PAD)
def test_kinds_that_count_from_the_padding_take_so_many_tokens_and_no_more(
    kind: str, tmp_path: Path
) -> None:
    import torch
    from transformers import CONFIG_MAPPING, MODEL_MAPPING

    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    more = {"attention_window": 4} if kind == "longformer" else {}
    words = {"vocab_size": 32, "entity_vocab_size": 8} if kind == "luke" else {"vocab_size": 32}
    settings = {"intermediate_size": 8, "max_position_embeddings": 12, "pad_token_id": 1}
    made = CONFIG_MAPPING[kind](**sizes, **more, **words, **settings)
    network = MODEL_MAPPING[type(made)](made).eval()
    save_tokenizer(tmp_path)
    limit = text_spec(tmp_path, made).length_limit
    assert limit == 10
    network(input_ids=torch.full((1, limit), 5))
    with pytest.raises((IndexError, RuntimeError)):
        network(input_ids=torch.full((1, limit + 1), 5))


@pytest.mark.parametrize(
    ("size", "settings", "fixed"),
    [
        (224, {}, True),
        (224, {"patch_size": [4, 4]}, True),
        (224, {"window_size": 2}, True),
        (224, {"window_size": 1}, False),
        (16, {"patch_size": 2, "depths": [1, 1], "num_heads": [1, 1], "window_size": 2}, False),
    ],
)
def test_swin_takes_one_size_where_its_windows_are_large(
    size: int, settings: dict[str, Any], fixed: bool
) -> None:
    from transformers import SwinConfig, Swinv2Config

    found = SwinConfig(image_size=size, **settings)
    assert image_spec({"size": {"height": size, "width": size}}, found).fixed_size == fixed
    assert not image_spec({"size": size}, Swinv2Config(image_size=size)).fixed_size


@pytest.mark.parametrize("values", [(0.5,), (0.5,) * 3])
def test_one_statistic_or_one_for_each_channel_will_do(values: tuple[float, ...]) -> None:
    refuse_channels(ImageSpec(32, values, values), "mine")


@pytest.mark.parametrize(
    ("mean", "std", "word"),
    [((0.5,) * 2, (0.5,), "mean"), ((0.5,), (0.5,) * 4, "std"), ((), (0.5,), "mean")],
)
def test_statistics_for_other_channels_are_refused(
    mean: tuple[float, ...], std: tuple[float, ...], word: str
) -> None:
    with pytest.raises(BackboneError, match=rf"the {word} of mine has \d numbers; expected 1, or"):
        refuse_channels(ImageSpec(32, mean, std), "mine")
