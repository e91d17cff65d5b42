"""Tests that preprocessing files become the input specs they mean."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from regraft.backbones.sources.specs import image_spec, text_spec
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
    [("bert", 512, 0, 512), ("roberta", 514, 1, 512), ("xlnet", None, 5, 512)],
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
