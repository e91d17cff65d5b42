"""Makes backbones from folders and hub repositories saved by transformers."""

import contextlib
import copy
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from regraft.backbones.attention import best_attention
from regraft.backbones.backbone import Architecture, Backbone, Pooling
from regraft.backbones.pairing import paired_torch
from regraft.backbones.sources.documents import read_object
from regraft.backbones.sources.module import found_width
from regraft.backbones.sources.pooling import recorded_pooling
from regraft.backbones.sources.specs import image_spec, refuse_channels, text_spec
from regraft.backbones.weights import Weights, read_folder, refuse_integers
from regraft.data.spec import InputSpec, TextSpec
from regraft.errors import BackboneError

IMAGE_POOLING: dict[str, Pooling] = {
    "vit": "cls",
    "deit": "cls",
    "beit": "cls",
    "dinov2": "cls",
    "dinov2_with_registers": "cls",
    "swin": "mean",
    "swinv2": "mean",
    "resnet": "map",
    "convnext": "map",
    "convnextv2": "map",
    "regnet": "map",
}
"""How the last hidden state of each kind of image encoder becomes one vector."""

_UNSAFE = ("auto_map", "quantization_config", "attn_implementation", "_attn_implementation")
"""Settings that could name code or kernels to be fetched."""

_WRAPPERS = ("timm_backbone", "timm_wrapper", "gemma3n_vision")
"""Kinds that hand a name over to timm, which may ask the hub for it."""


@paired_torch()
def open_transformers(folder: Path, *, name: str, origin: str = "") -> Backbone:
    """Returns the encoder in a folder saved by transformers, without its head.

    Args:
        folder: Holds `config.json`, weights, and a tokenizer or `preprocessor_config.json`.
        name: The backbone's name as typed.
        origin: Place and revision; the folder where left out.

    Raises:
        BackboneError: If the network is no text or image encoder, was saved quantised, or
            something is missing, or torch and torchvision are no pair.
        DamagedFileError: If a file is damaged.
    """
    settings = read_object(folder / "config.json")
    if settings.get("quantization_config"):
        raise BackboneError(
            f"{folder} holds quantised weights", expected="those in fp32, fp16 or bf16"
        )
    config = open_config(settings, folder)
    network_class = _network_class(config)
    weights = read_folder(folder)
    network = _loaded(network_class, config, weights=weights, source=str(folder))
    spec, pooling = _feeding(folder, config)
    refuse_channels(spec, name)
    return Backbone(
        name=name,
        network=network,
        spec=spec,
        width=_width(config, network, spec, pooling),
        architecture=describe(network, pooling),
        licence=_licence(folder),
        origin=origin or str(folder),
    )


@paired_torch()
def build_transformers(architecture: Architecture) -> nn.Module:
    """Returns the network of an architecture with random weights.

    Raises:
        BackboneError: If transformers has no network of that name, or it is no encoder, or torch
            and torchvision are no pair.
    """
    import transformers

    network_class = getattr(transformers, architecture.name, None)
    config_class = getattr(network_class, "config_class", None)
    if network_class is None or config_class is None:
        raise BackboneError(
            f"transformers {transformers.__version__} has no network {architecture.name!r}",
            hint="pip install --upgrade transformers",
        )
    config = _config(config_class, architecture.arguments, f"{architecture.name}'s description")
    if network_class not in _encoders(config):
        raise BackboneError(f"transformers' {architecture.name} is no encoder that is built here")
    built: nn.Module = network_class._from_config(config, **_choices(network_class))
    return built.eval()


def describe(network: nn.Module, pooling: Pooling) -> Architecture:
    """Returns what builds a transformers network again."""
    config: Any = network.config
    arguments = _without_unsafe(json.loads(config.to_json_string(use_diff=True)))
    return Architecture("transformers", type(network).__name__, arguments, pooling)


def open_config(settings: dict[str, Any], folder: Path) -> Any:
    """Returns transformers' configuration from the content of a `config.json`.

    Raises:
        BackboneError: If transformers does not know the kind of network, or it might be fetched.
    """
    from transformers import CONFIG_MAPPING

    kind = settings.get("model_type")
    if kind not in CONFIG_MAPPING:
        raise BackboneError(
            f"{folder} holds a network of the kind {kind!r}, which transformers does not know",
            hint="pip install --upgrade transformers",
        )
    return _config(CONFIG_MAPPING[kind], settings, str(folder))


def _config(config_class: Any, settings: dict[str, Any], source: str) -> Any:
    """Returns a configuration of a class, none of whose parts could make anybody ask the hub."""
    if any(_may_fetch(each) for each in (config_class, *_kinds(settings))):
        raise _fetching(source)
    config = config_class.from_dict(_without_unsafe(settings))
    if any(_may_fetch(type(each)) for each in _parts(config)):
        raise _fetching(source)
    return config


def _fetching(source: str) -> BackboneError:
    return BackboneError(
        f"{source} has a part whose network might be fetched by its name",
        expected="an encoder that is described whole",
    )


def _may_fetch(config_class: Any) -> bool:
    """Says whether a network of these configurations is, or holds, one that is known by name."""
    return config_class.model_type in _WRAPPERS or hasattr(config_class, "backbone_config")


def _kinds(settings: object) -> Iterator[Any]:
    """Yields the classes of all kinds of network that settings name, at any depth."""
    from transformers import CONFIG_MAPPING

    if isinstance(settings, dict):
        kind = settings.get("model_type")
        if isinstance(kind, str) and kind in CONFIG_MAPPING:
            yield CONFIG_MAPPING[kind]
    if isinstance(settings, dict | list):
        for each in settings.values() if isinstance(settings, dict) else settings:
            yield from _kinds(each)


def _parts(config: Any) -> Iterator[Any]:
    """Yields a configuration and those that it holds, at any depth."""
    yield config
    for each in vars(config).values():
        if hasattr(each, "model_type"):
            yield from _parts(each)


def _without_unsafe(settings: dict[str, Any]) -> dict[str, Any]:
    """Returns a copy without the settings that could fetch code."""
    return {key: copy.deepcopy(value) for key, value in settings.items() if key not in _UNSAFE}


def _network_class(config: Any) -> Any:
    """Returns the class of the bare encoder for a configuration."""
    from transformers import MODEL_MAPPING

    if getattr(config, "is_encoder_decoder", False) or type(config) not in MODEL_MAPPING:
        raise BackboneError(
            f"a network of the kind {config.model_type!r} cannot be a backbone",
            expected="a text encoder (BERT, RoBERTa, ...) or an image encoder (ViT, ResNet, ...)",
        )
    return _encoders(config)[0]


def _encoders(config: Any) -> list[Any]:
    """Returns the classes of bare encoders for a configuration, the best one first."""
    from transformers import MODEL_FOR_TEXT_ENCODING_MAPPING, MODEL_MAPPING

    encoders: list[Any] = []
    # Of networks that write texts (T5) there are encoders alone, under the same configuration.
    for mapping in (MODEL_FOR_TEXT_ENCODING_MAPPING, MODEL_MAPPING):
        if type(config) in mapping:
            found = mapping[type(config)]
            encoders += found if isinstance(found, tuple | list) else [found]
    return encoders


def _choices(network_class: Any) -> dict[str, Any]:
    """Returns the arguments every network is built with: no pooler, the best kernel."""
    choices: dict[str, Any] = {"attn_implementation": best_attention(network_class)}
    if "add_pooling_layer" in inspect.signature(network_class.__init__).parameters:
        choices["add_pooling_layer"] = False
    return choices


def _loaded(network_class: Any, config: Any, *, weights: Weights, source: str) -> nn.Module:
    """Returns a network with weights; the library renames what old versions called otherwise."""
    with _quiet():
        try:
            network, report = network_class.from_pretrained(
                None,
                config=config,
                state_dict=weights,
                dtype=torch.float32,
                output_loading_info=True,
                **_choices(network_class),
            )
        except RuntimeError as error:
            raise BackboneError(f"{source} has weights of other shapes than its config") from error
    missing = sorted(report["missing_keys"])
    if missing:
        raise BackboneError(
            f"{source} lacks {len(missing)} tensors of {network_class.__name__} ({missing[0]})"
        )
    found: nn.Module = network
    refuse_integers(weights, found, source=source)
    return found.eval()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps transformers from drawing bars and listing the tensors of dropped heads."""
    from transformers.utils import logging

    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()


def _feeding(folder: Path, config: Any) -> tuple[InputSpec, Pooling]:
    """Returns what an encoder is fed and how its output becomes one vector."""
    if (folder / "preprocessor_config.json").is_file():
        return image_spec(read_object(folder / "preprocessor_config.json"), config), _map(config)
    return text_spec(folder, config), recorded_pooling(folder)


def _map(config: Any) -> Pooling:
    """Returns the pooling of a kind of image encoder."""
    if config.model_type not in IMAGE_POOLING:
        raise BackboneError(
            f"image encoders of the kind {config.model_type!r} are not known",
            expected=f"one of {', '.join(sorted(IMAGE_POOLING))}",
        )
    return IMAGE_POOLING[config.model_type]


def _width(config: Any, network: nn.Module, spec: InputSpec, pooling: Pooling) -> int:
    """Returns the width of the features; of texts that of one pass, as some project theirs."""
    sizes = getattr(config, "hidden_sizes", None) or [getattr(config, "hidden_size", None)]
    if sizes[-1] is None:
        raise BackboneError(
            f"a network of the kind {config.model_type!r} has no width of its own",
            expected="an encoder of texts or of images, and not of both",
        )
    if isinstance(spec, TextSpec):
        with contextlib.suppress(BackboneError):
            return found_width(network, spec, pooling=pooling)
    return int(sizes[-1])


def _licence(folder: Path) -> str:
    """Returns the licence that the model card states, or the empty string."""
    card = folder / "README.md"
    lines = card.read_text("utf-8", "replace").splitlines()[:60] if card.is_file() else []
    stated = [line for line in lines if line.startswith("license:")]
    return stated[0].removeprefix("license:").strip() if stated else ""
