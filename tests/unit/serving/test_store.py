import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from regraft.backbones.graft import apply_channels
from regraft.backbones.open import open_backbone
from regraft.backbones.sources import seal
from regraft.backbones.sources.documents import write_json
from regraft.data.spec import ImageSpec, TextSpec
from regraft.data.starters.cache import file_digest
from regraft.errors import BackboneError, DamagedFileError, DataError, RegraftError, StorageError
from regraft.serving.model import Model
from regraft.serving.store import load, save_model
from tests import tiny

TEXTS = tiny.toy_texts(12)[0]
TEXT_FILES = {
    "config.json",
    "labels.json",
    "model.safetensors",
    "preprocessing.json",
    "replay.safetensors",
    "tokenizer.json",
}


@pytest.fixture(scope="module")
def saved(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a model folder in it, which no test may change."""
    run = tmp_path_factory.mktemp("run")
    save_model(run / "model", tiny.model(bert, ("no ✗", "yes\n")), head="linear", examples=TEXTS)
    return run


@pytest.fixture
def run(saved: Path, tmp_path: Path) -> Path:
    """A copy to tamper with."""
    return shutil.copytree(saved, tmp_path / "run")


def sealed_again(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes the config and seals it again: an altered file that no digest gives away."""
    path = run / "model" / "config.json"
    config = json.loads(path.read_text("utf-8"))
    config.pop("seal")
    change(config)
    files = [p for p in (run / "model").iterdir() if p != path]
    config["files"] = {p.name: file_digest(p) for p in files}
    write_json(path, {**config, "seal": seal._digest(config)})


def test_all_files_may_be_read_by_whoever_may_read_one(saved: Path) -> None:
    assert len({path.stat().st_mode for path in (saved / "model").iterdir()}) == 1


def test_a_loaded_model_answers_as_the_saved_one(saved: Path, bert: Path) -> None:
    model = load(saved)
    assert model.classes == ("no ✗", "yes\n")
    assert model.run == saved
    np.testing.assert_array_equal(model.predict_proba(TEXTS), tiny.model(bert).predict_proba(TEXTS))


def test_the_folder_holds_these_files_and_nothing_half_made(saved: Path) -> None:
    assert {path.name for path in (saved / "model").iterdir()} == TEXT_FILES
    assert [path.name for path in saved.iterdir()] == ["model"]


def test_the_digest_is_that_of_the_weights(bert: Path, tmp_path: Path) -> None:
    digest = save_model(tmp_path / "model", tiny.model(bert), head="linear", examples=TEXTS)
    assert digest == file_digest(tmp_path / "model" / "model.safetensors")


def test_images_are_saved_with_how_they_are_fed(resnet: Path, tmp_path: Path) -> None:
    model = tiny.model(resnet, ("bottom", "top"))
    pixels, _ = tiny.toy_pixels(4)
    save_model(tmp_path / "model", model, head="linear", examples=list(pixels))
    again = load(tmp_path)
    assert again.backbone.spec == model.backbone.spec
    np.testing.assert_array_equal(
        again.predict_proba(list(pixels)), model.predict_proba(list(pixels))
    )


def grey_model(resnet: Path) -> Model:
    model = tiny.model(resnet, ("bottom", "top"))
    apply_channels(model.network.trunk, 1)
    spec = model.backbone.spec
    assert isinstance(spec, ImageSpec)
    grey = replace(spec, channels=1, mean=(0.5,), std=(0.25,))
    return replace(model, backbone=replace(model.backbone, spec=grey))


def test_a_stem_of_one_channel_is_built_again(resnet: Path, tmp_path: Path) -> None:
    pixels, _ = tiny.toy_pixels(4, grey=True)
    model = grey_model(resnet)
    save_model(tmp_path / "model", model, head="linear", examples=list(pixels))
    np.testing.assert_array_equal(
        load(tmp_path).predict_proba(list(pixels)), model.predict_proba(list(pixels))
    )


@pytest.mark.parametrize("kind", ["text", "image", "grey"])
def test_a_run_is_a_backbone_with_the_weights_as_trained(
    kind: str, bert: Path, resnet: Path, tmp_path: Path
) -> None:
    model = {"text": tiny.model(bert), "image": tiny.model(resnet), "grey": grey_model(resnet)}[
        kind
    ]
    with torch.no_grad():
        next(model.network.trunk.parameters()).add_(1)
    save_model(tmp_path / "model", model, head="linear", examples=[])
    backbone = open_backbone(str(tmp_path))
    assert backbone.name == str(tmp_path)
    for name, tensor in backbone.network.state_dict().items():
        assert torch.equal(tensor, model.network.trunk.state_dict()[name])
    if isinstance(backbone.spec, TextSpec):
        assert backbone.spec.tokenizer == tmp_path / "model"
    else:
        assert backbone.spec == model.backbone.spec


@pytest.mark.parametrize("name", sorted(TEXT_FILES - {"config.json"}))
def test_a_file_with_another_byte_is_refused(run: Path, name: str) -> None:
    path = run / "model" / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=name) as caught:
        load(run)
    assert caught.value.exit_code == 3


def test_swapped_labels_are_refused(run: Path) -> None:
    (run / "model" / "labels.json").write_text(json.dumps(["yes\n", "no ✗"]), "utf-8")
    with pytest.raises(DamagedFileError, match=r"labels\.json"):
        load(run)


def test_a_changed_config_is_refused(run: Path) -> None:
    path = run / "model" / "config.json"
    path.write_text(path.read_text("utf-8").replace('"extent": 24', '"extent": 12'), "utf-8")
    with pytest.raises(DamagedFileError, match="does not match its own seal"):
        load(run)


def test_weights_that_answer_otherwise_are_refused_although_sealed(run: Path) -> None:
    path = run / "model" / "model.safetensors"
    weights = load_file(path)
    weights["head.layers.0.bias"] += 0.5
    save_file(weights, path)
    sealed_again(run, lambda config: None)
    with pytest.raises(DamagedFileError, match="answers its stored inputs differently"):
        load(run)


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config.pop("head"),
        lambda config: config.pop("width"),
        lambda config: config.update(width="wide"),
        lambda config: config.update(architecture=[]),
        lambda config: config.update(architecture={"library": "timm"}),
        lambda config: config.update(mode={"precision": "fp32", "colour": 1}),
        lambda config: config.update(extent=None),
        lambda config: config.pop("mode"),
    ],
)
def test_a_sealed_config_that_describes_no_model_is_damage(
    run: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    sealed_again(run, change)
    with pytest.raises(DamagedFileError, match="does not describe a model"):
        load(run)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.json", "{}"),
        ("labels.json", "[1, 2]"),
        ("labels.json", "["),
        ("preprocessing.json", "[]"),
        ("preprocessing.json", '{"kind": "sound"}'),
        ("preprocessing.json", '{"kind": "text", "volume": 3}'),
    ],
)
def test_sealed_files_of_another_form_are_damage(run: Path, name: str, text: str) -> None:
    (run / "model" / name).write_text(text, "utf-8")
    sealed_again(run, lambda config: None)
    with pytest.raises(DamagedFileError):
        load(run)


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config.update(architecture={**config["architecture"], "library": "keras"}),
        lambda config: config.update(architecture={**config["architecture"], "name": "NoModel"}),
        lambda config: config.update(head="mlp:8"),
    ],
)
def test_what_the_libraries_cannot_build_is_said_in_one_sentence(
    run: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    sealed_again(run, change)
    with pytest.raises(BackboneError):
        load(run)


def test_a_missing_file_is_damage(run: Path) -> None:
    (run / "model" / "labels.json").unlink()
    with pytest.raises(DamagedFileError, match="is missing"):
        load(run)


@pytest.mark.parametrize("name", ["", "model", "nothing"])
def test_a_folder_that_is_no_run_is_a_mistake_of_the_user(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="is no complete run") as caught:
        load(tmp_path / name)
    assert caught.value.exit_code == 2


def test_a_disk_that_says_no_leaves_nothing(bert: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        save_model(tmp_path / "file" / "model", tiny.model(bert), head="linear", examples=TEXTS)


def test_a_failure_on_the_way_leaves_no_model(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("regraft.serving.store.write_sealed", full)
    with pytest.raises(RegraftError, match="No space left"):
        save_model(tmp_path / "model", tiny.model(bert), head="linear", examples=TEXTS)
    assert list(tmp_path.iterdir()) == []


def test_the_columns_of_the_data_are_kept(bert: Path, tmp_path: Path) -> None:
    model = replace(tiny.model(bert), columns={"text": "review", "label": "stars"})
    save_model(tmp_path / "model", model, head="linear", examples=TEXTS)
    assert load(tmp_path).columns == {"text": "review", "label": "stars"}


def test_a_run_made_before_columns_were_kept_is_opened(run: Path) -> None:
    sealed_again(run, lambda config: config.pop("columns"))
    assert load(run).columns == {}
