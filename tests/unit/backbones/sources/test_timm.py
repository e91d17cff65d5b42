"""Tests that timm's networks are opened with their weights and no classifier."""

import json
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from regraft.backbones.backbone import Architecture
from regraft.backbones.sources.timm import (
    build_timm,
    is_timm,
    load_timm,
    open_timm,
    open_timm_folder,
    pretrained_facts,
    timm_spec,
)
from regraft.data.spec import ImageSpec
from regraft.errors import BackboneError
from tests.unit.backbones.sources.tiny import into_hub_cache

NET = "test_resnet"


def quiet(line: str) -> None:
    """Takes a line of progress and drops it."""


def save_folder(folder: Path, **config: object) -> Any:
    """Saves a network of timm as its own library lays it out on the hub and returns it."""
    torch.manual_seed(0)
    whole = timm.create_model(NET, num_classes=7).eval()
    folder.mkdir(parents=True, exist_ok=True)
    save_file(whole.state_dict(), folder / "model.safetensors")
    facts = {"mean": [0.1] * 3, "std": [0.2] * 3, "input_size": [3, 48, 48], "crop_pct": 0.9}
    document = {"architecture": NET, "num_classes": 7, "pretrained_cfg": facts, **config}
    (folder / "config.json").write_text(json.dumps(document), encoding="utf-8")
    return whole


def features(network: Any) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = network(torch.linspace(-1, 1, 3 * 64 * 64).reshape(1, 3, 64, 64))
    return found


def test_the_features_are_those_before_the_classifier(tmp_path: Path) -> None:
    whole = save_folder(tmp_path)
    backbone = open_timm_folder(tmp_path, name="mine")
    with torch.no_grad():
        inside = whole.forward_head(
            whole.forward_features(torch.linspace(-1, 1, 3 * 64 * 64).reshape(1, 3, 64, 64)),
            pre_logits=True,
        )
    assert torch.equal(features(backbone.network), inside)
    assert backbone.width == inside.shape[1]


def test_the_folder_says_how_images_are_fed(tmp_path: Path) -> None:
    save_folder(tmp_path)
    spec = open_timm_folder(tmp_path, name="mine").spec
    assert isinstance(spec, ImageSpec)
    assert (spec.size, spec.mean, spec.std, spec.crop_ratio) == (48, (0.1,) * 3, (0.2,) * 3, 0.9)


def test_a_missing_tensor_of_the_trunk_is_noticed(tmp_path: Path) -> None:
    save_folder(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["layer1.0.conv1.weight"]
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(BackboneError, match=r"not those of timm's test_resnet.*layer1\.0\.conv1"):
        open_timm_folder(tmp_path, name="mine")


def test_arguments_that_could_read_other_files_are_dropped(tmp_path: Path) -> None:
    save_folder(tmp_path, model_args={"checkpoint_path": "/etc/passwd", "act_layer": "silu"})
    backbone = open_timm_folder(tmp_path, name="mine")
    assert backbone.architecture.arguments == {"act_layer": "silu"}


def test_weights_are_not_kept_beside_the_network(tmp_path: Path) -> None:
    save_folder(tmp_path)
    network: Any = open_timm_folder(tmp_path, name="mine").network
    assert not network.pretrained_cfg.get("state_dict")


def test_pretrained_weights_come_from_the_hubs_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = save_folder(tmp_path / "saved")
    repository = pretrained_facts(NET)["hf_hub_id"]
    classes = pretrained_facts(NET)["num_classes"]
    whole.reset_classifier(classes)
    save_file(whole.state_dict(), tmp_path / "saved" / "model.safetensors")
    into_hub_cache(tmp_path / "saved", tmp_path / "hub", repository)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    backbone = open_timm(NET, say=quiet)
    assert backbone.name == f"timm:{NET}"
    assert backbone.origin == f"hf:{repository}"
    assert backbone.licence == "apache-2.0"
    whole.reset_classifier(0)
    assert torch.equal(features(backbone.network), features(whole))


def test_the_starter_architecture_has_tensorflows_padding_and_eps() -> None:
    network: Any = build_timm(Architecture("timm", "tf_efficientnet_lite0", {}, "none"))
    assert network.bn1.eps == 1e-3
    assert type(network.conv_stem).__name__ == "Conv2dSame"


def test_building_never_asks_for_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(timm.models._builder, "load_pretrained", lambda *a, **k: asked.append("x"))
    build_timm(Architecture("timm", NET, {"pretrained": True, "num_classes": 9}, "none"))
    assert asked == []


def test_weights_of_another_network_are_refused() -> None:
    other = timm.create_model("test_vit", num_classes=7).state_dict()
    architecture = Architecture("timm", NET, {}, "none")
    with pytest.raises(BackboneError, match="not those of timm's test_resnet"):
        load_timm(architecture, other, facts={"num_classes": 7})


def test_a_misspelled_network_is_told_what_was_meant() -> None:
    assert not is_timm("resnet188")
    with pytest.raises(BackboneError, match=r"'resnet188'; try timm:resnet18"):
        pretrained_facts("resnet188")


def test_a_network_without_pretrained_weights_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timm, "get_pretrained_cfg", lambda *a, **k: None)
    with pytest.raises(BackboneError, match="no pretrained weights for test_resnet"):
        open_timm(NET, say=quiet)


def test_a_fixed_size_and_a_smallest_size_are_kept() -> None:
    facts = {"input_size": (3, 96, 96), "min_input_size": (3, 40, 40), "fixed_input_size": True}
    spec = timm_spec(facts)
    assert (spec.size, spec.min_size, spec.fixed_size) == (96, 40, True)


def test_what_timms_renaming_stumbles_on_are_weights_of_another_network() -> None:
    other = timm.create_model("test_vit", num_classes=7).state_dict()
    architecture = Architecture("timm", "test_convnext", {}, "none")
    with pytest.raises(BackboneError, match=r"not those of timm's test_convnext \(KeyError"):
        load_timm(architecture, other, facts={"num_classes": 7})


def test_whole_numbers_are_no_weights() -> None:
    weights = timm.create_model(NET, num_classes=7).state_dict()
    weights["conv1.0.weight"] = weights["conv1.0.weight"].to(torch.int8)
    architecture = Architecture("timm", NET, {}, "none")
    with pytest.raises(BackboneError, match=r"conv1\.0\.weight of timm:test_resnet is torch\.int8"):
        load_timm(architecture, weights, facts={"num_classes": 7})
