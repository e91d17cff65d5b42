"""Makes local files from names on a model hub or addresses, asking the network last."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from regraft.data.starters.reach import PROBE_SECONDS, answers, offline
from regraft.data.starters.wheels import Say
from regraft.errors import BackboneError, DamagedFileError, UnreachableError

_ENDPOINT = "https://huggingface.co"
_SMALL_FILES = ["*.json", "vocab.txt", "merges.txt", "*.model", "README.md", "1_Pooling/*.json"]


@dataclass(frozen=True)
class Repository:
    """A repository of networks on a hub.

    Args:
        name: `owner/name`.
        revision: Branch, tag or commit; None = its main branch.
    """

    name: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"hf:{self.name}" + (f"@{self.revision}" if self.revision else "")


def repository(words: str) -> Repository:
    """Returns the repository of `owner/name` or `owner/name@rev`."""
    name, _, revision = words.partition("@")
    return Repository(name, revision or None)


def hub_cache() -> Path:
    """Returns where the hub's own library keeps its files, as its variables say now."""
    if "HF_HUB_CACHE" in os.environ:
        return Path(os.environ["HF_HUB_CACHE"]).expanduser()
    home = os.environ.get("HF_HOME")
    if home:
        return Path(home).expanduser() / "hub"
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "huggingface" / "hub"


def repository_folder(
    source: Repository, complete: Callable[[Path], bool], *, weights: str | None, say: Say
) -> Path:
    """Returns the local folder of a repository; the network is asked if nothing local serves.

    Args:
        source: Which repository.
        complete: Says whether a folder has all that is needed.
        weights: File name of the weights, or None for the usual ones.
        say: Takes one line of progress.

    Raises:
        BackboneError: If the hub has no such repository or does not show it.
        UnreachableError: If it is not local and the hub cannot or must not be asked.
    """
    folder = _snapshot(source, None)
    if folder is not None and complete(folder):
        return folder
    endpoint = os.environ.get("HF_ENDPOINT", _ENDPOINT)
    _refuse_unreachable(str(source), endpoint, place=hub_cache(), kept=_repositories())
    say(f"fetching {source} from {endpoint} into {hub_cache()}")
    for patterns in _wanted(weights):
        folder = _snapshot(source, patterns)
        if folder is not None and complete(folder):
            return folder
    raise BackboneError(f"{source} has no network that can be read", expected="model.safetensors")


def fetch_small(source: Repository, folder: Path, *, path: str) -> str:
    """Fetches a small file that other programs leave out; returns why it may be missing.

    The hub is asked once: its library notes that a file does not exist. The empty string
    means that the file is there, or that the repository has none.

    Args:
        source: Which repository.
        folder: The local folder of a commit of it.
        path: Of the file, in the repository.
    """
    import huggingface_hub
    from huggingface_hub import errors

    place: dict[str, Any] = {"revision": folder.name, "cache_dir": hub_cache()}
    if huggingface_hub.try_to_load_from_cache(source.name, path, **place) is not None:
        return ""
    endpoint = os.environ.get("HF_ENDPOINT", _ENDPOINT)
    reason = _silence(endpoint)
    try:
        if not reason:
            huggingface_hub.hf_hub_download(source.name, path, endpoint=endpoint, **place)
    except errors.LocalEntryNotFoundError as error:  # it is one of the others too
        reason = _first_line(error)
    except errors.EntryNotFoundError:
        return ""
    except _failures() as error:
        reason = _first_line(error)
    return reason


def _wanted(weights: str | None) -> list[list[str]]:
    """Returns what to fetch first, and what more if that does not suffice."""
    if weights is not None:
        return [[*_SMALL_FILES, weights]]
    return [[*_SMALL_FILES, "model*.safetensors"], [*_SMALL_FILES, "pytorch_model.bin"]]


def _snapshot(source: Repository, patterns: list[str] | None) -> Path | None:
    """Returns the folder of a repository, local only where no patterns are given."""
    from huggingface_hub import errors, snapshot_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        found = snapshot_download(
            source.name,
            revision=source.revision,
            cache_dir=hub_cache(),
            endpoint=os.environ.get("HF_ENDPOINT"),
            allow_patterns=patterns,
            local_files_only=patterns is None,
        )
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise BackboneError(
            f"the hub has no {source}, or does not show it without a login",
            hint="regraft list backbones",
        ) from error
    except errors.HFValidationError as error:
        raise BackboneError(f"{source} is no name on the hub", expected="hf:owner/name") from error
    except _failures() as error:
        if patterns is None:
            return None
        raise UnreachableError(f"{source} could not be fetched ({_first_line(error)})") from error
    return Path(found)


def _failures() -> tuple[type[Exception], ...]:
    """Returns what the hub's library raises where something cannot be fetched."""
    from huggingface_hub import errors

    # It has changed its HTTP library before; this is the error of either.
    return OSError, getattr(errors, "HTTPError", OSError)


def _first_line(error: BaseException) -> str:
    """Returns the sentence that a long message begins with."""
    return str(error).strip().split("\n", 1)[0]


def _repositories() -> list[str]:
    """Returns the names of the repositories in the hub's cache."""
    folders = sorted(hub_cache().glob("models--*/snapshots"))
    return [f"hf:{f.parent.name.removeprefix('models--').replace('--', '/')}" for f in folders]


def checkpoint_file(url: str, *, digest: str = "", size: float = 0, say: Say) -> Path:
    """Returns the local file of an address in torch's own cache, fetched if it is missing.

    Args:
        url: Address of a weight file.
        digest: First digits of its SHA-256, where known.
        size: Its bytes, where known.
        say: Takes one line of progress.

    Raises:
        UnreachableError: If it is not local and the server cannot or must not be asked.
        DamagedFileError: If what was fetched has another digest.
    """
    import torch

    folder = Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / Path(urlsplit(url).path).name
    if path.is_file():
        return path
    kept = sorted(found.name for found in folder.glob("*.pth"))
    name = f"{path.name} ({size / 1e6:.1f} MB)" if size else path.name
    _refuse_unreachable(name, url, place=folder, kept=kept)
    say(f"fetching {url} into {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(url, str(path), digest or None, sys.stderr.isatty())
    except RuntimeError as error:
        raise DamagedFileError(
            f"{url} has another digest ({_first_line(error)}); nothing was kept"
        ) from error
    except OSError as error:
        raise UnreachableError(f"{url} could not be fetched ({_first_line(error)})") from error
    return path


def _refuse_unreachable(name: str, url: str, *, place: Path, kept: list[str]) -> None:
    """Raises where the network must not be asked or its server does not answer."""
    reason = _silence(url)
    if not reason:
        return
    listed = ", ".join(kept[:8]) if kept else "nothing yet"
    raise UnreachableError(
        f"{name} is not on this machine and {reason}",
        expected=f"the network, or a copy of it in {place}, which has {listed}",
        hint="again with a network, or starter:minilm or starter:efficientnet-lite0",
    )


def _silence(url: str) -> str:
    """Returns why the server of an address tells nothing, or the empty string where it does."""
    if offline():
        return "REGRAFT_OFFLINE forbids the network"
    if ban := _hub_ban():
        return f"{ban} forbids the network"
    if not answers(url, seconds=PROBE_SECONDS):
        return f"{urlsplit(url).hostname} does not answer"
    return ""


def _hub_ban() -> str:
    """Returns which of the hub's own variables forbids the network, or the empty string."""
    bans = (
        name
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
        if os.environ.get(name, "").strip().upper() in ("1", "ON", "YES", "TRUE")
    )
    return next(bans, "")
