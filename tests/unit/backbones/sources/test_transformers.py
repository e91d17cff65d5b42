"""Tests that encoders saved by transformers are opened without heads, exactly."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from regraft.backbones.backbone import Architecture
from regraft.backbones.sources.transformers import build_transformers, open_transformers
from regraft.data.spec import ImageSpec, TextSpec
from regraft.errors import BackboneError, DamagedFileError
from tests.unit.backbones.sources.tiny import (
    BERT,
    save_image_folder,
    save_text_folder,
    save_tokenizer,
)

TEACHER = {"size": {"height": 16, "width": 16}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}


def rewrite(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | changes), encoding="utf-8")


def test_the_encoder_of_a_classifier_gives_what_it_gave_inside(tmp_path: Path) -> None:
    whole = save_text_folder(tmp_path)
    backbone = open_transformers(tmp_path, name="mine")
    ids = torch.tensor([[2, 4, 6, 3]])
    with torch.no_grad():
        inside = whole.bert(input_ids=ids).last_hidden_state
        outside = backbone.network(input_ids=ids).last_hidden_state
    assert torch.equal(inside, outside)
    assert backbone.width == 8
    assert backbone.spec == TextSpec(tokenizer=tmp_path, length_limit=20, pad_id=0)
    assert backbone.architecture.pooling == "mean"
    assert not backbone.network.training


def test_there_is_no_pooler(tmp_path: Path) -> None:
    save_text_folder(tmp_path)
    names = open_transformers(tmp_path, name="mine").network.state_dict()
    assert not [name for name in names if "pooler" in name or "classifier" in name]


def test_a_recorded_pooling_is_kept(tmp_path: Path) -> None:
    save_text_folder(tmp_path)
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    assert open_transformers(tmp_path, name="mine").architecture.pooling == "cls"


def test_the_licence_of_the_model_card_is_kept(tmp_path: Path) -> None:
    save_text_folder(tmp_path)
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\nA model.\n")
    assert open_transformers(tmp_path, name="mine").licence == "mit"


def test_a_file_of_torch_serves_as_well(tmp_path: Path) -> None:
    save_text_folder(tmp_path)
    before = open_transformers(tmp_path, name="mine").network.state_dict()
    torch.save(load_file(tmp_path / "model.safetensors"), tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    after = open_transformers(tmp_path, name="mine").network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_half_precision_weights_become_full_ones(tmp_path: Path) -> None:
    save_text_folder(tmp_path)
    path = tmp_path / "model.safetensors"
    save_file({name: value.half() for name, value in load_file(path).items()}, path)
    network = open_transformers(tmp_path, name="mine").network
    assert {value.dtype for value in network.parameters()} == {torch.float32}


def test_a_missing_tensor_is_named(tmp_path: Path) -> None:
    save_text_folder(tmp_path)
    path = tmp_path / "model.safetensors"
    weights = load_file(path)
    del weights["bert.encoder.layer.1.output.dense.weight"]
    save_file(weights, path)
    with pytest.raises(BackboneError, match="lacks 1 tensors of BertModel"):
        open_transformers(tmp_path, name="mine")


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    save_text_folder(tmp_path)
    rewrite(tmp_path, hidden_size=10)
    with pytest.raises(BackboneError, match="weights of other shapes"):
        open_transformers(tmp_path, name="mine")


def test_settings_that_could_fetch_code_are_dropped(tmp_path: Path) -> None:
    save_text_folder(tmp_path)
    rewrite(tmp_path, auto_map={"AutoModel": "evil.Model"}, attn_implementation="evil/kernel")
    backbone = open_transformers(tmp_path, name="mine")
    network: Any = backbone.network
    assert network.config._attn_implementation == "sdpa"
    assert "evil" not in json.dumps(backbone.architecture.arguments)


@pytest.mark.parametrize("kind", ["no-such-kind", None])
def test_an_unknown_kind_of_network_is_named(tmp_path: Path, kind: str | None) -> None:
    save_text_folder(tmp_path)
    rewrite(tmp_path, model_type=kind)
    with pytest.raises(BackboneError, match=f"kind {kind!r}"):
        open_transformers(tmp_path, name="mine")


def test_a_network_that_writes_text_cannot_be_a_backbone(tmp_path: Path) -> None:
    save_text_folder(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "t5"}')
    with pytest.raises(BackboneError, match="kind 't5' cannot be a backbone"):
        open_transformers(tmp_path, name="mine")


def test_an_encoder_that_was_taken_from_such_a_network_is_opened(tmp_path: Path) -> None:
    config = transformers.T5Config(
        vocab_size=32, d_model=8, d_kv=4, d_ff=16, num_layers=2, num_heads=2
    )
    torch.manual_seed(0)
    whole = transformers.T5EncoderModel(config).eval()
    whole.save_pretrained(tmp_path)
    save_tokenizer(tmp_path)
    backbone = open_transformers(tmp_path, name="mine")
    ids = torch.tensor([[2, 4, 6, 3]])
    with torch.no_grad():
        found = backbone.network(input_ids=ids).last_hidden_state
        assert torch.equal(found, whole(input_ids=ids).last_hidden_state)
    assert found.shape[-1] == backbone.width
    again = build_transformers(backbone.architecture)
    assert again.state_dict().keys() == backbone.network.state_dict().keys()


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_broken_config_is_damaged(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(DamagedFileError, match=r"config\.json"):
        open_transformers(tmp_path, name="mine")


def test_a_folder_without_config_says_so(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"has no config\.json"):
        open_transformers(tmp_path, name="mine")


def small_vit() -> transformers.PreTrainedModel:
    config = transformers.ViTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        image_size=16, patch_size=8,
    )  # fmt: skip
    return transformers.ViTForImageClassification(config)


def small_dinov2() -> transformers.PreTrainedModel:
    config = transformers.Dinov2Config(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, mlp_ratio=1,
        image_size=16, patch_size=8,
    )  # fmt: skip
    return transformers.Dinov2Model(config)


def small_resnet() -> transformers.PreTrainedModel:
    config = transformers.ResNetConfig(
        embedding_size=4, hidden_sizes=[4, 8], depths=[1, 1], layer_type="basic"
    )
    return transformers.ResNetForImageClassification(config)


def small_swin() -> transformers.PreTrainedModel:
    config = transformers.SwinConfig(
        image_size=16, patch_size=2, embed_dim=4, depths=[1, 1], num_heads=[1, 1], window_size=2
    )
    return transformers.SwinForImageClassification(config)


def small_convnext() -> transformers.PreTrainedModel:
    config = transformers.ConvNextConfig(hidden_sizes=[4, 8], depths=[1, 1], num_stages=2)
    return transformers.ConvNextForImageClassification(config)


@pytest.mark.parametrize(
    ("make", "pooling", "dimensions"),
    [
        (small_vit, "cls", 3),
        (small_dinov2, "cls", 3),
        (small_swin, "mean", 3),
        (small_resnet, "map", 4),
        (small_convnext, "map", 4),
    ],
)
def test_image_encoders_give_features_of_the_said_width(
    tmp_path: Path, make: Callable[[], Any], pooling: str, dimensions: int
) -> None:
    whole = save_image_folder(tmp_path, make(), **TEACHER)
    backbone = open_transformers(tmp_path, name="mine")
    with torch.no_grad():
        output = backbone.network(torch.zeros(1, 3, 16, 16)).last_hidden_state
    assert output.dim() == dimensions
    assert output.shape[1 if pooling == "map" else 2] == backbone.width == 8
    assert backbone.architecture.pooling == pooling
    assert isinstance(backbone.spec, ImageSpec)
    kept = whole.base_model.state_dict()
    found = backbone.network.state_dict()
    assert all(torch.equal(found[name], kept[name]) for name in found)


def test_an_image_encoder_of_an_unknown_kind_is_named(tmp_path: Path) -> None:
    save_text_folder(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text("{}")
    with pytest.raises(BackboneError, match="'bert' are not known"):
        open_transformers(tmp_path, name="mine")


def test_a_class_that_is_no_network_cannot_be_built() -> None:
    with pytest.raises(BackboneError, match="no network 'Trainer'"):
        build_transformers(Architecture("transformers", "Trainer", BERT, "mean"))


class Unpaired(ModuleType):
    """Stands for transformers beside a torchvision of another torch."""

    def __getattr__(self, name: str) -> object:
        cause = RuntimeError("operator torchvision::nms does not exist")
        raise ModuleNotFoundError(f"Could not import module {name!r}") from cause


def test_a_torchvision_of_another_torch_is_no_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_text_folder(tmp_path)
    monkeypatch.setitem(sys.modules, "transformers", Unpaired("transformers"))
    with pytest.raises(BackboneError, match="are not a pair"):
        open_transformers(tmp_path, name="mine")
    with pytest.raises(BackboneError, match="are not a pair"):
        build_transformers(Architecture("transformers", "BertModel", BERT, "mean"))


def test_a_folder_that_was_saved_quantised_is_refused(tmp_path: Path) -> None:
    save_text_folder(tmp_path)
    rewrite(tmp_path, quantization_config={"quant_method": "bitsandbytes", "load_in_8bit": True})
    with pytest.raises(BackboneError, match="holds quantised weights; expected those in fp32"):
        open_transformers(tmp_path, name="mine")


def test_whole_numbers_are_no_weights(tmp_path: Path) -> None:
    save_text_folder(tmp_path)
    path, name = tmp_path / "model.safetensors", "bert.encoder.layer.1.output.dense.weight"
    weights = load_file(path)
    save_file(weights | {name: weights[name].to(torch.int8)}, path)
    with pytest.raises(BackboneError, match=rf"{name} of .* is torch\.int8"):
        open_transformers(tmp_path, name="mine")


def test_what_an_encoder_projects_its_states_to_is_its_width(tmp_path: Path) -> None:
    config = transformers.OPTConfig(
        vocab_size=8, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, ffn_dim=8,
        max_position_embeddings=20, word_embed_proj_dim=8,
    )  # fmt: skip
    transformers.OPTModel(config).save_pretrained(tmp_path)
    save_tokenizer(tmp_path)
    assert open_transformers(tmp_path, name="mine").width == 8


def test_an_encoder_of_texts_and_images_is_refused(tmp_path: Path) -> None:
    small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.CLIPConfig(
        text_config={**small, "intermediate_size": 8, "vocab_size": 8},
        vision_config={**small, "intermediate_size": 8, "image_size": 16, "patch_size": 8},
    )
    transformers.CLIPModel(config).save_pretrained(tmp_path)
    save_tokenizer(tmp_path)
    with pytest.raises(BackboneError, match="kind 'clip' has no width of its own"):
        open_transformers(tmp_path, name="mine")


ELSEWHERE = "hf-hub:someone/elses"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("TimmBackbone", {"backbone": ELSEWHERE}),
        ("TimmWrapperModel", {"architecture": ELSEWHERE}),
        ("DetrModel", {"backbone": ELSEWHERE}),
        ("DPTModel", {"backbone_config": {"model_type": "timm_backbone", "backbone": ELSEWHERE}}),
        ("Gemma3nModel", {"vision_config": {"architecture": ELSEWHERE}}),
        ("PerceptionLMModel", {"vision_config": {"architecture": ELSEWHERE}}),
        ("BertModel", {"more": [{"model_type": "timm_wrapper", "architecture": ELSEWHERE}]}),
    ],
)
def test_a_network_that_might_be_fetched_is_not_built(
    name: str, arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object, **__: object) -> None:
        raise AssertionError("timm was asked")

    monkeypatch.setattr("timm.create_model", asked)
    with pytest.raises(BackboneError, match="might be fetched by its name"):
        build_transformers(Architecture("transformers", name, arguments, "none"))


def test_a_folder_that_names_such_a_network_is_not_opened(tmp_path: Path) -> None:
    save_text_folder(tmp_path)
    rewrite(tmp_path, model_type="timm_backbone", backbone=ELSEWHERE)
    with pytest.raises(BackboneError, match="might be fetched by its name"):
        open_transformers(tmp_path, name="mine")


def test_a_class_that_is_no_encoder_is_not_built() -> None:
    with pytest.raises(BackboneError, match="BertForMaskedLM is no encoder"):
        build_transformers(Architecture("transformers", "BertForMaskedLM", BERT, "mean"))
