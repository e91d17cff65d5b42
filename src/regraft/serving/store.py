"""Makes the model folder of a run from a model, and the model from the folder again."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn

from regraft.backbones.backbone import Architecture, Backbone
from regraft.backbones.graft import Grafted, make_head
from regraft.backbones.modes import Mode
from regraft.backbones.sources.documents import read_json, write_json
from regraft.backbones.sources.run import TRUNK, build_trunk, spec_document, spec_from_document
from regraft.backbones.sources.seal import CONFIG, read_sealed, settle, write_sealed
from regraft.backbones.weights import load_into_network, read_weights, refuse_infinite, separate
from regraft.data.rows import Input
from regraft.data.spec import TextSpec
from regraft.data.starters.cache import file_digest
from regraft.errors import DamagedFileError, StorageError
from regraft.serving.model import Model
from regraft.serving.replay import check_replay, save_replay

MODEL = "model"
"""Name of the model folder inside a run."""
WEIGHTS = "model.safetensors"
LABELS = "labels.json"
PREPROCESSING = "preprocessing.json"
TOKENIZER = "tokenizer.json"


def save_model(folder: Path, model: Model, *, head: str, examples: Sequence[Input]) -> str:
    """Writes weights, labels, preprocessing and replay; returns the weights' SHA-256.

    Args:
        folder: Made here; appears whole or not at all.
        model: What is saved.
        head: How its head was spelled (`linear`, `mlp:UNITS`).
        examples: Inputs of which the first eight are stored with their logits.

    Raises:
        StorageError: If the disk or a permission says no.
    """
    building = folder.with_name(folder.name + ".building")
    try:
        return _write_whole(building, folder, model, (head, examples))
    except (OSError, SafetensorError) as error:
        shutil.rmtree(building, ignore_errors=True)
        reason = getattr(error, "strerror", None) or error
        raise StorageError(f"{folder} cannot be written ({reason})") from error


def load(run: str | Path, *, device: str = "cpu", network: nn.Module | None = None) -> Model:
    """Returns the trained model of a run folder, its files checked and its logits replayed.

    Args:
        run: A run folder.
        device: Where it shall answer.
        network: The trunk's module, for a run on a network of a Python program, which alone
            can build it; it is copied.

    Raises:
        DataError: If the folder is no complete run.
        DamagedFileError: If a file is missing or altered, or the replay differs.
        BackboneError: If the installed libraries cannot build its network.
    """
    folder = Path(run) / MODEL
    config = read_sealed(Path(run), folder)
    try:
        model = _assemble(folder, config, device, network)
    except (KeyError, TypeError, ValueError, AttributeError, FileNotFoundError) as error:
        raise DamagedFileError(
            f"{folder / CONFIG} does not describe a model ({error})",
            expected="what regraft fit wrote",
        ) from error
    # The replay is the processor's; the network goes where it shall answer afterwards.
    check_replay(folder, model)
    model.network.to(device)
    return model


def _write_whole(
    building: Path, folder: Path, model: Model, beside: tuple[str, Sequence[Input]]
) -> str:
    head, examples = beside
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    state = {name: tensor.detach().cpu() for name, tensor in model.network.state_dict().items()}
    save_file(separate(state), building / WEIGHTS)
    digest = file_digest(building / WEIGHTS)
    write_json(building / LABELS, list(model.classes))
    write_json(building / PREPROCESSING, spec_document(model.backbone.spec))
    if isinstance(model.backbone.spec, TextSpec):
        shutil.copyfile(model.backbone.spec.tokenizer / TOKENIZER, building / TOKENIZER)
    save_replay(building, model, examples=examples)
    write_sealed(building, _config(model, head, digest))
    mode = (building / LABELS).stat().st_mode
    for path in building.iterdir():
        path.chmod(mode)  # safetensors lets nobody else read
    for path in (*building.iterdir(), building):
        settle(path)
    # There where a run was stopped after this and before its result: the same once more.
    shutil.rmtree(folder, ignore_errors=True)
    building.replace(folder)
    settle(folder.parent)
    return digest


def _config(model: Model, head: str, digest: str) -> dict[str, Any]:
    backbone = model.backbone
    return {
        "name": backbone.name,
        "licence": backbone.licence,
        "origin": backbone.origin,
        "width": backbone.width,
        "architecture": asdict(backbone.architecture),
        "head": head,
        "extent": model.extent,
        "columns": dict(model.columns),
        "trunk_kept": model.trunk_kept,
        "mode": asdict(model.mode),
        "weights": {"file": WEIGHTS, "sha256": digest},
    }


def _assemble(folder: Path, config: dict[str, Any], device: str, given: nn.Module | None) -> Model:
    classes = _class_names(read_json(folder / LABELS))
    spec = spec_from_document(read_json(folder / PREPROCESSING), folder)
    architecture = Architecture(**config["architecture"])
    width = int(config["width"])
    unused = torch.Generator().manual_seed(0)
    head = make_head(str(config["head"]), width, classes=len(classes), generator=unused)
    weights = read_weights(folder / WEIGHTS, own=True)
    of_trunk = {name.removeprefix(TRUNK): value for name, value in weights.items()}
    trunk = build_trunk(architecture, spec, given=given, weights=of_trunk)
    network = Grafted(trunk, head, pooling=architecture.pooling)
    load_into_network(network, weights, source=str(folder / WEIGHTS))
    refuse_infinite(network, str(folder / WEIGHTS))
    network.eval()
    words = [str(config[key]) for key in ("licence", "origin")]
    backbone = Backbone(str(config["name"]), trunk, spec, width, architecture, *words)
    mode = replace(Mode(**config["mode"]), device=device)
    # Runs made before columns were kept have none.
    columns = {str(role): str(name) for role, name in config.get("columns", {}).items()}
    extent, run = int(config["extent"]), folder.parent
    kept = bool(config.get("trunk_kept", False)) and given is None
    return Model(network, backbone, classes, extent, mode, run, columns, kept)


def _class_names(names: object) -> tuple[str, ...]:
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return tuple(names)
    raise ValueError(f"{LABELS} holds no list of names")
