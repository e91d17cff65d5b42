"""Makes backbones from folders and hub repositories, by what lies in them."""

from pathlib import Path

from regraft.backbones.backbone import Backbone
from regraft.backbones.sources.documents import read_object
from regraft.backbones.sources.hub import fetch_small, repository, repository_folder
from regraft.backbones.sources.pooling import RECORDED
from regraft.backbones.sources.run import is_run, open_run
from regraft.backbones.sources.timm import open_timm_folder
from regraft.backbones.sources.transformers import open_transformers
from regraft.backbones.weights import has_weights
from regraft.data.starters.wheels import Say, say_on_stderr

_FEEDING = ("tokenizer.json", "preprocessor_config.json")


def open_folder(folder: Path, *, name: str = "", origin: str = "") -> Backbone:
    """Returns the network in a run folder or a folder saved by timm or transformers.

    Args:
        folder: The folder.
        name: The backbone's name; the folder's where left out.
        origin: Place and revision; the folder where left out.

    Raises:
        BackboneError: If the folder holds no network that can be a backbone.
        DamagedFileError: If a file is damaged.
    """
    if is_run(folder):
        return open_run(folder)
    opened = open_timm_folder if _is_timm(folder) else open_transformers
    return opened(folder, name=name or str(folder), origin=origin)


def open_hub(words: str, *, say: Say = say_on_stderr) -> Backbone:
    """Returns the network of a hub repository, from the hub's own cache where it is there.

    Args:
        words: `owner/name` or `owner/name@rev`.
        say: Takes one line of progress.

    Raises:
        BackboneError: If there is no such repository, or no backbone in it.
        UnreachableError: If it is not local and the hub cannot or must not be asked.
    """
    source = repository(words)
    folder = repository_folder(source, _is_complete, weights=None, say=say)
    missing = fetch_small(source, folder, path=RECORDED) if _is_text(folder) else ""
    if missing:
        say(f"{source}: no pooling is recorded on this machine ({missing}); the mean is taken")
    # The folder of a snapshot is named after the commit.
    return open_folder(folder, name=str(source), origin=f"hf:{source.name}@{folder.name}")


def _is_timm(folder: Path) -> bool:
    """Says whether a folder is laid out as timm's."""
    return "architecture" in read_object(folder / "config.json")


def _is_text(folder: Path) -> bool:
    """Says whether a folder has what feeds a text network, and nothing that feeds another."""
    return not _is_timm(folder) and not (folder / "preprocessor_config.json").is_file()


def _is_complete(folder: Path) -> bool:
    """Says whether a folder has a configuration, weights and what feeds the network."""
    if not (folder / "config.json").is_file() or not has_weights(folder):
        return False
    return _is_timm(folder) or any((folder / name).is_file() for name in _FEEDING)
