"""Makes the model folder of a run from a model, and the model from the folder again."""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file
from torch import Tensor

from regraft.backbones.backbone import Architecture, Backbone
from regraft.backbones.graft import Grafted, make_head
from regraft.backbones.modes import Mode
from regraft.backbones.open import build
from regraft.backbones.weights import load_into_network, read_weights
from regraft.data.reading.pictures import open_picture
from regraft.data.rows import Input
from regraft.data.spec import ImageSpec, InputSpec, TextSpec
from regraft.errors import DamagedFileError, DataError
from regraft.serving.model import Model

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
LABELS = "labels.json"
PREPROCESSING = "preprocessing.json"
TOKENIZER = "tokenizer.json"
REPLAY = "replay.safetensors"
REPLAYED = 8
"""Inputs stored with their logits."""
TOLERANCE = 1e-3
"""Largest difference of replayed logits: other processors round otherwise."""


def save_model(folder: Path, model: Model, *, head: str, examples: Sequence[Input]) -> str:
    """Writes weights, labels, preprocessing and replay; returns the weights' SHA-256.

    Args:
        folder: Made here; appears whole or not at all.
        model: What is saved.
        head: How its head was spelled (`linear`, `mlp:UNITS`).
        examples: Inputs of which the first eight are stored with their logits.
    """
    building = folder.with_name(folder.name + ".building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    state = {name: t.detach().cpu().contiguous() for name, t in model.network.state_dict().items()}
    save_file(state, building / WEIGHTS)
    digest = _file_digest(building / WEIGHTS)
    _write(building / LABELS, list(model.classes))
    _write(building / PREPROCESSING, spec_as_json(model.backbone.spec))
    _write(building / CONFIG, _config(model, head, digest))
    if isinstance(model.backbone.spec, TextSpec):
        shutil.copyfile(model.backbone.spec.tokenizer / TOKENIZER, building / TOKENIZER)
    _save_replay(building / REPLAY, model, examples[:REPLAYED])
    for path in building.iterdir():
        _settle(path)
    building.replace(folder)
    _settle(folder.parent)
    return digest


def load(run: str | Path, *, device: str = "cpu") -> Model:
    """Returns the trained model of a run folder, its files checked and its logits replayed.

    Args:
        run: A run folder.
        device: Where it shall answer.

    Raises:
        DataError: If the folder is no complete run.
        DamagedFileError: If a file is missing or altered, or the replay differs.
    """
    folder = Path(run) / "model"
    config = _read_config(Path(run), folder)
    weights = folder / WEIGHTS
    if not weights.exists() or _file_digest(weights) != config["weights"]["sha256"]:
        raise DamagedFileError(
            f"{weights} is not the file that the run saved",
            expected=f"SHA-256 {config['weights']['sha256']}",
            hint=f"regraft fit again, or a copy of {run} from before",
        )
    model = _assemble(Path(run), folder, config, device)
    _check_replay(folder, model)
    return model


def replay(model: Model, folder: Path) -> float:
    """Returns the largest difference between stored and replayed logits, in fp32.

    Args:
        model: As loaded.
        folder: The model folder.
    """
    stored = read_weights(folder / REPLAY)
    inputs = [_unpack(stored[f"input.{i}"], model) for i in range(len(stored) - 1)]
    found = _replay_logits(model, inputs)
    return float(np.abs(found - stored["logits"].numpy()).max()) if inputs else 0.0


def spec_as_json(spec: InputSpec) -> dict[str, Any]:
    """Returns the input spec as plain data; the tokenizer lies beside it."""
    content = asdict(spec)
    kind = "text" if isinstance(spec, TextSpec) else "image"
    content.pop("tokenizer", None)
    return {"kind": kind, **content}


def spec_from_json(content: dict[str, Any], folder: Path) -> InputSpec:
    """Returns the spec that `spec_as_json` wrote into a folder."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}
    kind = values.pop("kind")
    return TextSpec(tokenizer=folder, **values) if kind == "text" else ImageSpec(**values)


def _read_config(run: Path, folder: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG).read_text("utf-8"))
    except FileNotFoundError:
        raise DataError(
            f"{run} is no complete run: {folder / CONFIG} is missing",
            expected="a folder that regraft fit made",
        ) from None
    except ValueError as error:
        raise DamagedFileError(f"{folder / CONFIG} is not JSON ({error})") from None
    return config


def _assemble(run: Path, folder: Path, config: dict[str, Any], device: str) -> Model:
    classes = tuple(json.loads((folder / LABELS).read_text("utf-8")))
    spec = spec_from_json(json.loads((folder / PREPROCESSING).read_text("utf-8")), folder)
    architecture = Architecture(**config["architecture"])
    trunk = build(architecture)
    head = make_head(
        config["head"],
        config["width"],
        classes=len(classes),
        generator=torch.Generator().manual_seed(0),
    )
    network = Grafted(trunk, head, pooling=architecture.pooling)
    load_into_network(network, read_weights(folder / WEIGHTS), source=str(folder / WEIGHTS))
    network.eval().to(device)
    backbone = Backbone(
        config["name"],
        trunk,
        spec,
        config["width"],
        architecture,
        config["licence"],
        config["origin"],
    )
    mode = replace(Mode(**config["mode"]), device=device)
    return Model(network, backbone, classes, config["extent"], mode, run)


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
        "mode": asdict(model.mode),
        "weights": {"file": WEIGHTS, "sha256": digest},
    }


def _save_replay(path: Path, model: Model, examples: Sequence[Input]) -> None:
    packed = {f"input.{i}": _pack(example, model) for i, example in enumerate(examples)}
    inputs = [_unpack(tensor, model) for tensor in packed.values()]
    found = _replay_logits(model, inputs)
    save_file({**packed, "logits": torch.from_numpy(found)}, path)


def _replay_logits(model: Model, inputs: Sequence[Input]) -> npt.NDArray[np.float32]:
    """Computes in fp32, whatever mode the model answers in: the same on every machine."""
    exact = replace(model, mode=Mode(device=model.mode.device))
    rows, _ = exact.encode(inputs)
    return exact.logits_of(rows)


def _pack(example: Input, model: Model) -> Tensor:
    """Returns a text's UTF-8 bytes, or an image's pixels, as a tensor of bytes."""
    if model.modality == "text":
        example = str(example)
        return torch.frombuffer(bytearray(example.encode("utf-8") or b" "), dtype=torch.uint8)
    return torch.from_numpy(np.array(open_picture(example).convert("RGB")))


def _unpack(tensor: Tensor, model: Model) -> Input:
    if model.modality == "text":
        return tensor.numpy().tobytes().decode("utf-8")
    return tensor.numpy()


def _check_replay(folder: Path, model: Model) -> None:
    difference = replay(model, folder)
    if not difference <= TOLERANCE:
        raise DamagedFileError(
            f"{folder} answers its stored inputs differently by {difference:.2g}",
            expected=f"at most {TOLERANCE:g}",
        )


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2), "utf-8")


def _file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _settle(path: Path) -> None:
    """Makes the file system keep what was written before a later rename."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
