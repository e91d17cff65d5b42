"""Tests that the network of a run folder is a backbone again."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from regraft.backbones.backbone import Architecture
from regraft.backbones.sources.documents import read_object
from regraft.backbones.sources.run import (
    build_trunk,
    is_run,
    open_run,
    spec_document,
    spec_from_document,
)
from regraft.backbones.sources.seal import write_sealed
from regraft.backbones.sources.transformers import describe
from regraft.data.spec import ImageSpec, InputSpec, TextSpec
from regraft.errors import BackboneError, DamagedFileError
from tests.unit.backbones.sources.tiny import save_tokenizer, tiny_bert


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with a tiny BERT and a head."""
    network, place = tiny_bert(), tmp_path / "run" / "model"
    save_tokenizer(place)
    trunk = {f"trunk.{name}": value for name, value in network.state_dict().items()}
    save_file({**trunk, "head.weight": torch.zeros(2, 8)}, place / "model.safetensors")
    config = {
        "architecture": asdict(describe(network, "mean")),
        "name": "starter:minilm",
        "licence": "MIT",
        "origin": "there",
        "width": 8,
        "head": {"classes": 2},
    }
    spec = spec_document(TextSpec(place, 20, prefix="query: ", scripts=("latin",)))
    (place / "preprocessing.json").write_text(json.dumps(spec), encoding="utf-8")
    write_sealed(place, config)
    return tmp_path / "run"


def seal_again(run: Path, **change: object) -> None:
    """Seals what was changed: a folder that no digest gives away."""
    place = run / "model"
    config = read_object(place / "config.json") | change
    config.pop("seal")
    write_sealed(place, config)


def test_the_trunk_of_a_run_is_opened_as_trained(run: Path) -> None:
    backbone = open_run(run)
    assert is_run(run)
    assert (backbone.name, backbone.licence) == (str(run), "MIT")
    assert backbone.origin == f"starter:minilm (there), trained in {run}"
    assert backbone.width == 8
    assert backbone.spec == TextSpec(run / "model", 20, prefix="query: ", scripts=("latin",))
    saved = load_file(run / "model" / "model.safetensors")
    found = backbone.network.state_dict()
    assert all(torch.equal(value, saved[f"trunk.{name}"]) for name, value in found.items())


def test_a_run_that_lacks_a_tensor_is_refused(run: Path) -> None:
    path = run / "model" / "model.safetensors"
    weights = load_file(path)
    del weights["trunk.embeddings.LayerNorm.bias"]
    save_file(weights, path)
    seal_again(run)
    with pytest.raises(BackboneError, match=r"lacks embeddings\.LayerNorm\.bias"):
        open_run(run)


@pytest.mark.parametrize("change", [{"architecture": {"name": "x"}}, {"width": None}])
def test_a_run_whose_config_says_too_little_is_damaged(
    run: Path, change: dict[str, object]
) -> None:
    seal_again(run, **change)
    with pytest.raises(DamagedFileError, match="does not describe a network"):
        open_run(run)


@pytest.mark.parametrize(
    "spec",
    [
        TextSpec(Path("here"), 128, pad_id=1, prefix="q: ", scripts=("latin", "han")),
        ImageSpec(32, (0.1, 0.2, 0.3), (1.0,) * 3, interpolation="nearest", fixed_size=True),
    ],
)
def test_a_spec_survives_a_trip_through_json(spec: InputSpec) -> None:
    document = json.loads(json.dumps(spec_document(spec), default=str))
    assert spec_from_document(document, Path("here")) == spec


@pytest.mark.parametrize("channels", [1, 3])
def test_a_run_on_grey_images_has_one_channel_in_its_stem(channels: int) -> None:
    spec = ImageSpec(32, (0.5,) * channels, (0.5,) * channels, channels=channels)
    network = build_trunk(Architecture("timm", "test_resnet", {}, "none"), spec)
    with torch.no_grad():
        assert network(torch.zeros(1, channels, 32, 32)).dim() == 2


@pytest.mark.parametrize("document", [{}, {"kind": "sound"}, {"kind": "image", "colour": 1}])
def test_a_spec_that_says_too_little_is_damaged(document: dict[str, object]) -> None:
    with pytest.raises(DamagedFileError, match="does not say how inputs are fed"):
        spec_from_document(document, Path("here"))


def test_a_folder_of_something_else_is_no_run(tmp_path: Path) -> None:
    assert not is_run(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_run_whose_files_were_changed_afterwards_is_refused(run: Path, name: str) -> None:
    path = run / "model" / name
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
    with pytest.raises(DamagedFileError, match=r"is not the file that the run saved|own seal"):
        open_run(run)


def test_a_programs_network_of_timm_is_without_the_classifier_that_the_run_left_out() -> None:
    mine = timm.create_model("test_resnet", num_classes=7)
    trunk = timm.create_model("test_resnet", num_classes=0)
    architecture = Architecture("module", "ResNet", {}, "none")
    spec = ImageSpec(32, (0.5,) * 3, (0.5,) * 3)
    found = build_trunk(architecture, spec, given=mine, weights=trunk.state_dict())
    assert found.state_dict().keys() == trunk.state_dict().keys()
    whole = build_trunk(architecture, spec, given=mine, weights=mine.state_dict())
    assert whole.state_dict().keys() == mine.state_dict().keys() > trunk.state_dict().keys()
