"""Tests that each form of a backbone's name reaches its source."""

from pathlib import Path

import pytest
import timm
import torch
from torch import nn

from regraft.backbones import open as opening
from regraft.backbones.backbone import Backbone
from regraft.backbones.open import PREFIXES, open_backbone
from regraft.backbones.sources.module import open_module
from regraft.data.spec import ImageSpec
from regraft.errors import BackboneError, StorageError
from tests.unit.backbones.sources.tiny import save_text_folder


def quiet(line: str) -> None:
    """Takes a line of progress and drops it."""


def a_backbone() -> Backbone:
    spec = ImageSpec(4, (0.5,) * 3, (0.5,) * 3)
    return open_module(nn.Sequential(nn.Flatten(), nn.Linear(48, 5)), spec)


def test_a_backbone_is_returned_as_it_is() -> None:
    backbone = a_backbone()
    assert open_backbone(backbone) is backbone


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_prefix_reaches_its_source_with_the_rest_of_the_name(
    prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone, asked = a_backbone(), []

    def opened(words: str, say: object) -> Backbone:
        asked.append((words, say))
        return backbone

    monkeypatch.setitem(PREFIXES, prefix, opened)
    assert open_backbone(f"{prefix}:some/name@rev:1", say=quiet) is backbone
    assert asked == [("some/name@rev:1", quiet)]


def test_a_bare_name_means_a_starter(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = a_backbone()
    monkeypatch.setattr(opening, "open_starter", lambda name, *, say: backbone)
    assert open_backbone("minilm") is backbone


def test_a_folder_is_opened_by_its_content(tmp_path: Path) -> None:
    save_text_folder(tmp_path / "saved")
    backbone = open_backbone(str(tmp_path / "saved"))
    assert backbone.architecture.library == "transformers"


def test_a_weight_file_needs_its_architecture(tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"")
    with pytest.raises(BackboneError, match="--arch timm:NAME"):
        open_backbone(str(tmp_path / "w.pth"))


def test_a_weight_file_with_its_architecture_is_opened(tmp_path: Path) -> None:
    whole = timm.create_model("test_resnet", num_classes=7)
    torch.save(whole.state_dict(), tmp_path / "w.pth")
    backbone = open_backbone(str(tmp_path / "w.pth"), arch="timm:test_resnet")
    assert backbone.architecture.name == "test_resnet"


def test_an_architecture_beside_a_name_that_is_no_file_is_refused() -> None:
    with pytest.raises(BackboneError, match="minilm is no file"):
        open_backbone("minilm", arch="timm:resnet18")


def test_a_refused_kind_of_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "w.pkl").write_bytes(b"")
    with pytest.raises(BackboneError, match="a pickle can run any code"):
        open_backbone(str(tmp_path / "w.pkl"), arch="timm:test_resnet")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("minilmm", "minilm"),
        ("starter:minilmm", "starter:minilm"),
        ("@@", "regraft list backbones"),
    ],
)
def test_an_unknown_name_is_told_what_was_meant(name: str, hint: str) -> None:
    with pytest.raises(BackboneError) as caught:
        open_backbone(name)
    assert caught.value.hint == hint


def test_a_network_object_of_timm_says_itself_how_it_is_fed() -> None:
    backbone = open_backbone(timm.create_model("test_resnet", num_classes=7))
    assert backbone.architecture.library == "timm"


@pytest.mark.parametrize("arch", [None, "timm:test_resnet"])
def test_a_name_longer_than_any_file_is_a_mistake(arch: str | None) -> None:
    with pytest.raises(BackboneError, match=r"no backbone is called|is no file"):
        open_backbone("x" * 5000, arch=arch)


def test_a_folder_that_must_not_be_entered_is_the_world_saying_no(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(StorageError, match=r"cannot be read \(Permission denied\)"):
        open_backbone(str(tmp_path))
