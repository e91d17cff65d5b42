"""Tests that a starter's folder in the cache becomes a backbone, with its facts."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from regraft.backbones.sources.cached import WEIGHTS, cached_bert
from regraft.data.spec import TextSpec
from regraft.data.starters.models import MODELS
from regraft.errors import BackboneError
from tests.unit.backbones.sources.tiny import BERT, tiny_bert

ENTRY = MODELS["minilm"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the weights and the description of a tiny network."""
    save_file(tiny_bert().state_dict(), tmp_path / WEIGHTS)
    (tmp_path / "config.json").write_text(json.dumps(BERT), encoding="utf-8")
    return tmp_path


def test_weights_and_facts_are_those_of_the_starter(folder: Path) -> None:
    backbone = cached_bert(ENTRY, folder, spec=TextSpec(folder, 20))
    found = backbone.network.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in tiny_bert().state_dict().items())
    assert (backbone.name, backbone.width) == ("starter:minilm", ENTRY.width)
    assert (backbone.licence, backbone.origin) == (ENTRY.licence, ENTRY.origin)
    assert backbone.architecture.arguments["hidden_size"] == BERT["hidden_size"]


def test_weights_of_another_network_are_refused(folder: Path) -> None:
    save_file({"a": torch.zeros(1)}, folder / WEIGHTS)
    with pytest.raises(BackboneError, match="starter:minilm lacks"):
        cached_bert(ENTRY, folder, spec=TextSpec(folder, 20))
