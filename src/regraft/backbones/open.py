"""Decides which source a backbone's name means, and opens it."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

from regraft.backbones.backbone import Backbone
from regraft.backbones.build import build as build
from regraft.backbones.sources.file import open_weights_file
from regraft.backbones.sources.folder import open_folder, open_hub
from regraft.backbones.sources.module import open_object
from regraft.backbones.sources.starter import open_starter
from regraft.backbones.sources.timm import open_timm
from regraft.backbones.sources.torchvision import open_torchvision
from regraft.data.reading.sources import exists
from regraft.data.starters.models import MODELS
from regraft.data.starters.wheels import Say, say_on_stderr
from regraft.errors import BackboneError, StorageError, nearest


def _starter(words: str, say: Say) -> Backbone:
    return open_starter(words, say=say)


def _timm(words: str, say: Say) -> Backbone:
    return open_timm(words, say=say)


def _torchvision(words: str, say: Say) -> Backbone:
    return open_torchvision(words, say=say)


def _hub(words: str, say: Say) -> Backbone:
    return open_hub(words, say=say)


PREFIXES: dict[str, Callable[[str, Say], Backbone]] = {
    "starter": _starter,
    "timm": _timm,
    "tv": _torchvision,
    "hf": _hub,
}
"""What opens the names that begin with each prefix and a colon."""


def open_backbone(
    name: str | nn.Module | Backbone, *, arch: str | None = None, say: Say = say_on_stderr
) -> Backbone:
    """Returns the pretrained network that a name means, without its head.

    Args:
        name: `starter:NAME` or bare, `timm:NAME`, `tv:NAME`, `hf:owner/name[@rev]`, a
            folder, a run folder, a weight file with `arch`, or a network itself.
        arch: The architecture of a weight file: `timm:NAME` or `tv:NAME`.
        say: Takes one line of progress.

    Raises:
        BackboneError: If the name is unknown or means nothing that can be a backbone.
        UnreachableError: If something must be fetched and cannot be.
        DamagedFileError: If a file is damaged.
        StorageError: If a file cannot be read or the cache not be written.
    """
    if isinstance(name, Backbone):
        return name
    if isinstance(name, nn.Module):
        return open_object(name)
    try:
        if (exists(name) and Path(name).is_file()) or arch is not None:
            return open_weights_file(_existing_file(name), arch)
        return _open_named(name, say)
    except PermissionError as error:
        raise StorageError(f"{error.filename or name} cannot be read ({error.strerror})") from error


def _open_named(name: str, say: Say) -> Backbone:
    """Returns the network of a name with a prefix, of a starter, or in a folder."""
    prefix, colon, words = name.partition(":")
    if colon and prefix in PREFIXES:
        return PREFIXES[prefix](words, say)
    if name in MODELS:
        return open_starter(name, say=say)
    if exists(name) and Path(name).is_dir():
        return open_folder(Path(name))
    raise _unknown(name)


def _existing_file(name: str) -> Path:
    """Returns the path of a weight file that is there."""
    if not exists(name) or not Path(name).is_file():
        raise BackboneError(f"{name} is no file", expected="a weight file, since --arch is given")
    return Path(name)


def _unknown(name: str) -> BackboneError:
    """Returns the error that names what was probably meant."""
    close = nearest(name, [*MODELS, *(f"starter:{known}" for known in MODELS)])
    forms = [f"{prefix}:NAME" for prefix in PREFIXES]
    return BackboneError(
        f"no backbone is called {name!r}, and no file or folder either",
        expected=f"one of {', '.join(forms)}, a folder or a weight file",
        hint=close or "regraft list backbones",
    )
