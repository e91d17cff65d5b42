"""Makes backbones from timm: by name with pretrained weights, or from folders of its form."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from regraft.backbones.backbone import Architecture, Backbone
from regraft.backbones.pairing import paired_torch
from regraft.backbones.sources.documents import read_object
from regraft.backbones.sources.hub import Repository, checkpoint_file, repository, repository_folder
from regraft.backbones.sources.specs import refuse_channels
from regraft.backbones.weights import (
    Weights,
    has_weights,
    load_into_network,
    read_folder,
    read_weights,
    refuse_integers,
)
from regraft.data.spec import ImageSpec, Interpolation
from regraft.data.starters.wheels import Say, say_on_stderr
from regraft.errors import BackboneError, nearest

_UNSAFE = ("pretrained", "checkpoint_path", "cache_dir", "num_classes", "features_only")
"""Arguments that could read other files or give another kind of network."""
_SMALLEST = 32
_INTERPOLATIONS: dict[str, Interpolation] = {
    "bilinear": "bilinear",
    "bicubic": "bicubic",
    "nearest": "nearest",
    "lanczos": "lanczos",
}


def open_timm(name: str, *, say: Say = say_on_stderr) -> Backbone:
    """Returns a network of timm with its pretrained weights and no classifier.

    Args:
        name: timm's name, with or without a tag (`resnet18`, `resnet18.a1_in1k`).
        say: Takes one line of progress.

    Raises:
        BackboneError: If timm has no such network, or no weights for it.
        UnreachableError: If the weights are not local and cannot or must not be fetched.
    """
    architecture = Architecture("timm", name, {}, "none")
    facts = pretrained_facts(name)
    trunk = load_timm(architecture, _pretrained_weights(facts, name, say=say), facts=facts)
    return assembled(trunk, architecture, name=f"timm:{name}", facts=facts)


def open_timm_folder(folder: Path, *, name: str, origin: str = "") -> Backbone:
    """Returns the network in a folder laid out as timm's: `config.json` and weights.

    Args:
        folder: Its `config.json` has `architecture` and `pretrained_cfg`.
        name: The backbone's name as typed.
        origin: Place and revision; the folder where left out.

    Raises:
        BackboneError: If timm does not know the architecture.
        DamagedFileError: If a file is damaged.
    """
    config = read_object(folder / "config.json")
    arguments = _safe(config.get("model_args") or {})
    architecture = Architecture("timm", str(config["architecture"]), arguments, "none")
    facts = {**pretrained_facts(architecture.name), **config.get("pretrained_cfg", config)}
    facts["num_classes"] = config.get("num_classes", facts.get("num_classes"))
    facts["origin_url"] = origin or str(folder)
    trunk = load_timm(architecture, read_folder(folder), facts=facts)
    return assembled(trunk, architecture, name=name, facts=facts)


def build_timm(architecture: Architecture) -> nn.Module:
    """Returns the network of an architecture with random weights and no classifier.

    Raises:
        BackboneError: If timm has no network of that name.
    """
    return _created(architecture, {"num_classes": 0, "pretrained": False})


def is_timm(name: str) -> bool:
    """Says whether timm has a network of that name."""
    with paired_torch():
        import timm
    return bool(timm.is_model(name))


def pretrained_facts(name: str) -> dict[str, Any]:
    """Returns what timm knows of a network's weights and how it was fed.

    Raises:
        BackboneError: If timm has no network of that name.
    """
    _refuse_unknown(name)
    import timm

    facts = timm.get_pretrained_cfg(name, allow_unregistered=True)
    return {} if facts is None else dict(facts.to_dict())


def load_timm(architecture: Architecture, weights: Weights, *, facts: dict[str, Any]) -> nn.Module:
    """Returns the trunk with weights; timm itself renames what older files called otherwise.

    The whole network is loaded strictly, then the trunk is taken from it: asked for a
    trunk, timm would overlook tensors that are missing.

    Raises:
        BackboneError: If the weights are not those of the architecture.
    """
    classes = facts.get("num_classes") or 0
    overlay = {"state_dict": weights, "source": None, "num_classes": classes}
    settings = {"pretrained": True, "pretrained_cfg_overlay": overlay, "num_classes": classes}
    try:
        made = _created(architecture, settings)
    except BackboneError:
        raise
    except Exception as error:  # whatever timm's own renaming stumbles on
        raise BackboneError(
            f"the weights are not those of timm's {architecture.name} ({_brief(error)})"
        ) from error
    refuse_integers(weights, made, source=f"timm:{architecture.name}")
    trunk, whole = build_timm(architecture), made.state_dict()
    kept = {name: whole[name] for name in trunk.state_dict() if name in whole}
    load_into_network(trunk, kept, source=f"timm:{architecture.name}")
    return trunk


def assembled(
    trunk: nn.Module, architecture: Architecture, *, name: str, facts: dict[str, Any]
) -> Backbone:
    """Returns the backbone of a trunk of timm and what is known of its weights.

    Raises:
        BackboneError: If it takes images of neither one nor three channels.
    """
    spec = timm_spec(facts)
    refuse_channels(spec, name)
    width = getattr(trunk, "head_hidden_size", None) or trunk.num_features
    hub = facts.get("hf_hub_id")
    return Backbone(
        name=name,
        network=trunk,
        spec=spec,
        width=int(str(width)),
        architecture=architecture,
        licence=str(facts.get("license") or ""),
        origin=f"hf:{hub}" if hub else str(facts.get("origin_url") or facts.get("url") or ""),
    )


def timm_spec(facts: dict[str, Any]) -> ImageSpec:
    """Returns how images are fed, from the facts of a network of timm."""
    channels, _, size = facts.get("input_size") or (3, 224, 224)
    smallest = facts.get("min_input_size") or (channels, _SMALLEST, _SMALLEST)
    return ImageSpec(
        size=int(size),
        mean=_statistic(facts.get("mean"), channels),
        std=_statistic(facts.get("std"), channels),
        interpolation=_INTERPOLATIONS.get(str(facts.get("interpolation")), "bicubic"),
        crop_ratio=float(facts.get("crop_pct") or 1.0),
        channels=int(channels),
        min_size=int(smallest[-1]),
        fixed_size=bool(facts.get("fixed_input_size")),
    )


def _statistic(values: Sequence[float] | None, channels: int) -> tuple[float, ...]:
    """Returns a mean or standard deviation for each channel; for grey that over the colours."""
    listed = [float(value) for value in values or (0.5,) * channels]
    return tuple(listed) if channels != 1 else (sum(listed) / len(listed),)


def _pretrained_weights(facts: dict[str, Any], name: str, *, say: Say) -> Weights:
    """Returns the weights that timm names, from the hub's cache or from torch's."""
    if facts.get("hf_hub_id"):
        source = repository(str(facts["hf_hub_id"]))
        return _hub_weights(source, facts.get("hf_hub_filename"), say=say)
    if not facts.get("url"):
        raise BackboneError(f"timm has no pretrained weights for {name}", hint="another tag")
    return read_weights(checkpoint_file(str(facts["url"]), say=say))


def _hub_weights(source: Repository, filename: str | None, *, say: Say) -> Weights:
    """Returns the weights of a repository, under the usual names or the one that timm names."""
    if filename is None:
        return read_folder(repository_folder(source, has_weights, weights=None, say=say))
    folder = repository_folder(
        source, lambda place: (place / filename).is_file(), weights=filename, say=say
    )
    return read_weights(folder / filename)


def _created(architecture: Architecture, settings: dict[str, Any]) -> nn.Module:
    """Returns timm's network, ready to be used."""
    _refuse_unknown(architecture.name)
    import timm

    arguments = {**_safe(architecture.arguments), **settings}
    network: nn.Module = timm.create_model(architecture.name, **arguments)
    return network.eval()


def _safe(arguments: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments that only shape the network."""
    return {
        key: value
        for key, value in arguments.items()
        if key not in _UNSAFE and not key.startswith("pretrained")
    }


def _refuse_unknown(name: str) -> None:
    """Raises where timm has no network of that name."""
    if is_timm(name):
        return
    import timm

    close = nearest(name, timm.list_models())
    raise BackboneError(
        f"timm {timm.__version__} has no network {name!r}",
        hint=f"timm:{close}" if close else "regraft list backbones",
    )


def _brief(error: Exception) -> str:
    """Returns the first two lines of a long message in one, after its kind where that says more."""
    words = " ".join(line.strip() for line in str(error).splitlines()[:2])
    kind = "" if isinstance(error, RuntimeError) else f"{type(error).__name__}: "
    return f"{kind}{words}"[:200]
