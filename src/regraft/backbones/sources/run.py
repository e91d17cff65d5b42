"""Makes backbones from the networks saved in run folders."""

import copy
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from regraft.backbones.backbone import Architecture, Backbone
from regraft.backbones.build import build
from regraft.backbones.graft import apply_channels
from regraft.backbones.sources.documents import read_object
from regraft.backbones.sources.seal import read_sealed
from regraft.backbones.weights import load_into_network, read_weights, refuse_infinite
from regraft.data.spec import ImageSpec, InputSpec, TextSpec
from regraft.errors import DamagedFileError

TRUNK = "trunk."
"""What stands before the names of the backbone's tensors in a run."""
_COLOURS = 3
_SPECS: dict[str, type[TextSpec] | type[ImageSpec]] = {"text": TextSpec, "image": ImageSpec}


def is_run(folder: Path) -> bool:
    """Says whether a folder looks like a run."""
    return (folder / "model" / "config.json").is_file()


def open_run(folder: Path) -> Backbone:
    """Returns the backbone of a run, with the weights as trained.

    Args:
        folder: Has `model/` with `config.json`, `preprocessing.json`, `model.safetensors`.

    Raises:
        DataError: If it has no `config.json`.
        BackboneError: If the weights do not fit.
        DamagedFileError: If a file is missing, is not what the run saved, or says less than
            it must.
        StorageError: If a file cannot be read.
    """
    place = folder / "model"
    config = read_sealed(folder, place)
    spec = spec_from_document(read_object(place / "preprocessing.json"), place)
    try:
        architecture = Architecture(**config["architecture"])
        width = int(config["width"])
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(f"{place / 'config.json'} does not describe a network") from error
    network = build_trunk(architecture, spec)
    weights = read_weights(place / "model.safetensors", own=True)
    trunk = {k.removeprefix(TRUNK): v for k, v in weights.items() if k.startswith(TRUNK)}
    load_into_network(network, trunk, source=str(place / "model.safetensors"))
    refuse_infinite(network, str(place / "model.safetensors"))
    return Backbone(
        name=str(folder),
        network=network,
        spec=spec,
        width=width,
        architecture=architecture,
        licence=str(config.get("licence", "")),
        origin=f"{config.get('name', '')} ({config.get('origin', '')}), trained in {folder}",
    )


def build_trunk(
    architecture: Architecture,
    spec: InputSpec,
    *,
    given: nn.Module | None = None,
    weights: Mapping[str, Tensor] | None = None,
) -> nn.Module:
    """Returns the network of an architecture with random weights, as a run holds it.

    A run on grey images has one channel in its stem, whatever its architecture has.

    Args:
        architecture: What builds it.
        spec: How it is fed.
        given: The network where only a program can build it; a copy is returned.
        weights: Of the trunk, by name, where they are known.

    Raises:
        BackboneError: If the network cannot be built or cannot have that stem.
    """
    network = build(architecture) if given is None else _as_fitted(given, weights or {})
    own = given is not None and _is_as_it_was(network, weights or {})
    if isinstance(spec, ImageSpec) and spec.channels == 1 and not own:
        apply_channels(network, 1)
    return network


def _as_fitted(given: nn.Module, weights: Mapping[str, Tensor]) -> nn.Module:
    """Returns a copy of a program's network, without the classifier that `fit` left out of it."""
    network: Any = copy.deepcopy(given)
    says = isinstance(getattr(network, "pretrained_cfg", None), dict)
    more = bool(weights) and not network.state_dict().keys() <= weights.keys()
    if says and more and hasattr(network, "reset_classifier"):
        network.reset_classifier(0)
    found: nn.Module = network
    return found


def _is_as_it_was(network: nn.Module, weights: Mapping[str, Tensor]) -> bool:
    """Says whether a program's own network took grey images without a change of its stem.

    It may have no stem that could be changed, or repeat the channel itself.
    """
    stems = ((p, m) for p, m in network.named_modules() if isinstance(m, nn.Conv2d))
    path, stem = next(stems, ("", None))
    if stem is None or stem.in_channels != _COLOURS:
        return True
    stored = weights.get(f"{path}.weight")
    return stored is not None and stored.shape == stem.weight.shape


def spec_document(spec: InputSpec) -> dict[str, Any]:
    """Returns a spec as plain data; the tokenizer is said to lie beside it."""
    fields = asdict(spec)
    if isinstance(spec, TextSpec):
        return {"kind": "text", **fields, "tokenizer": "."}
    return {"kind": "image", **fields}


def spec_from_document(document: dict[str, Any], folder: Path) -> InputSpec:
    """Returns a spec from plain data.

    Args:
        document: What `spec_document` gave.
        folder: Holds `tokenizer.json`, for texts.

    Raises:
        DamagedFileError: If a field is missing or unknown.
    """
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in document.items()
    }
    kind = fields.pop("kind", None)
    if kind == "text":
        fields["tokenizer"] = folder
    try:
        return _SPECS[str(kind)](**fields)
    except (KeyError, TypeError) as error:
        raise DamagedFileError(
            f"{folder / 'preprocessing.json'} does not say how inputs are fed ({error})"
        ) from error
