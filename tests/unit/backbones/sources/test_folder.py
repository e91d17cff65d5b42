"""Tests that folders and hub repositories are opened by what lies in them."""

from pathlib import Path

import pytest
import torch

from regraft.backbones.sources.folder import open_folder, open_hub
from regraft.errors import BackboneError, UnreachableError
from tests.unit.backbones.sources.test_timm import save_folder
from tests.unit.backbones.sources.tiny import into_hub_cache, save_text_folder


def quiet(line: str) -> None:
    """Takes a line of progress and drops it."""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_a_folder_of_transformers_is_known_by_its_config(tmp_path: Path) -> None:
    save_text_folder(tmp_path / "saved")
    backbone = open_folder(tmp_path / "saved")
    assert backbone.architecture.library == "transformers"
    assert backbone.name == backbone.origin == str(tmp_path / "saved")


def test_a_folder_of_timm_is_known_by_its_architecture(tmp_path: Path) -> None:
    save_folder(tmp_path / "saved")
    assert open_folder(tmp_path / "saved").architecture.library == "timm"


def test_a_repository_in_the_hubs_cache_is_opened_with_its_commit(
    tmp_path: Path, place: Path
) -> None:
    whole = save_text_folder(tmp_path / "saved")
    into_hub_cache(tmp_path / "saved", place, "owner/name", revision="0123abcd")
    backbone = open_hub("owner/name", say=quiet)
    assert (backbone.name, backbone.origin) == ("hf:owner/name", "hf:owner/name@0123abcd")
    found = backbone.network.state_dict()["embeddings.word_embeddings.weight"]
    assert torch.equal(found, whole.state_dict()["bert.embeddings.word_embeddings.weight"])


def test_where_the_recorded_pooling_may_be_missing_it_is_told(tmp_path: Path, place: Path) -> None:
    save_text_folder(tmp_path / "saved")
    into_hub_cache(tmp_path / "saved", place, "owner/name")
    said: list[str] = []
    assert open_hub("owner/name", say=said.append).architecture.pooling == "mean"
    reason = "REGRAFT_OFFLINE forbids the network"
    begun = f"hf:owner/name: no pooling is recorded on this machine ({reason})"
    assert [line.startswith(begun) for line in said] == [True]


def test_a_revision_that_is_not_in_the_cache_is_not_taken_for_another(
    tmp_path: Path, place: Path
) -> None:
    save_text_folder(tmp_path / "saved")
    into_hub_cache(tmp_path / "saved", place, "owner/name")
    with pytest.raises(UnreachableError, match=r"hf:owner/name@v2 is not on this machine"):
        open_hub("owner/name@v2", say=quiet)


def test_a_copy_without_weights_is_not_complete(tmp_path: Path, place: Path) -> None:
    save_text_folder(tmp_path / "saved")
    (tmp_path / "saved" / "model.safetensors").unlink()
    into_hub_cache(tmp_path / "saved", place, "owner/name")
    with pytest.raises(UnreachableError):
        open_hub("owner/name", say=quiet)


def test_an_empty_folder_is_told_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"has no config\.json"):
        open_folder(tmp_path)
