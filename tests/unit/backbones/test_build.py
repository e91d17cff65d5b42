"""Tests that every library's networks are built again from plain data."""

import json
from dataclasses import asdict

import pytest
import torch

from regraft.backbones.backbone import Architecture
from regraft.backbones.build import BUILDERS, build
from regraft.backbones.sources.transformers import describe
from regraft.errors import BackboneError
from tests.unit.backbones.sources.tiny import tiny_bert

TIMM = Architecture("timm", "test_resnet", {}, "none")
TORCHVISION = Architecture("torchvision", "squeezenet1_1", {}, "none")


def test_a_network_of_transformers_is_the_same_after_a_trip_through_json() -> None:
    network = tiny_bert()
    document = json.loads(json.dumps(asdict(describe(network, "mean"))))
    again = build(Architecture(**document))
    assert type(again) is type(network)
    again.load_state_dict(network.state_dict(), strict=True)
    ids = torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        assert torch.equal(
            network(input_ids=ids).last_hidden_state, again(input_ids=ids).last_hidden_state
        )


@pytest.mark.parametrize("architecture", [TIMM, TORCHVISION], ids=["timm", "torchvision"])
def test_image_networks_are_built_without_classifier(architecture: Architecture) -> None:
    network = build(architecture)
    assert not network.training
    with torch.no_grad():
        features = network(torch.zeros(1, 3, 64, 64))
    assert features.dim() == 2
    assert features.shape[1] != 1000


def test_a_programs_own_network_cannot_be_built() -> None:
    with pytest.raises(BackboneError, match="came from a Python program"):
        build(Architecture("module", "Net", {}, "none"))


def test_an_unknown_library_is_refused() -> None:
    with pytest.raises(BackboneError, match=r"'keras'; expected one of module, timm"):
        build(Architecture("keras", "Net", {}, "none"))  # type: ignore[arg-type]


@pytest.mark.parametrize("library", sorted(set(BUILDERS) - {"module"}))
def test_an_unknown_network_of_each_library_is_named(library: str) -> None:
    with pytest.raises(BackboneError, match="NoSuchNet"):
        build(Architecture(library, "NoSuchNet", {}, "none"))  # type: ignore[arg-type]
