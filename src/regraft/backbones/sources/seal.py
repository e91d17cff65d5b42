"""Makes a seal over the files of a model folder, and refuses what does not match it."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regraft.backbones.sources.documents import incomplete, read_json, write_json
from regraft.data.starters.cache import file_digest
from regraft.errors import DamagedFileError, StorageError

CONFIG = "config.json"
FILES = "files"
SEAL = "seal"


def write_sealed(folder: Path, config: Mapping[str, Any]) -> None:
    """Writes `config.json` with the digest of every file beside it and one of itself.

    Args:
        folder: Holds all other files already.
        config: What else the file shall say.
    """
    beside = sorted(path for path in folder.iterdir() if path.name != CONFIG)
    content = {**config, FILES: {path.name: file_digest(path) for path in beside}}
    write_json(folder / CONFIG, {**content, SEAL: _digest(content)})


def read_sealed(run: Path, folder: Path) -> dict[str, Any]:
    """Returns the content of `config.json`, every file beside it checked.

    Args:
        run: The run folder, for messages.
        folder: Its model folder.

    Raises:
        DataError: If there is no `config.json`: the folder is no complete run.
        DamagedFileError: If a file is missing or is not what was written.
        StorageError: If a file cannot be read.
    """
    try:
        config = read_json(folder / CONFIG)
    except (FileNotFoundError, NotADirectoryError):
        raise incomplete(run, folder / CONFIG) from None
    if not isinstance(config, dict) or config.pop(SEAL, None) != _digest(config):
        raise DamagedFileError(f"{folder / CONFIG} does not match its own seal", hint=_copy(run))
    for name, digest in dict(config.get(FILES) or {}).items():
        _check(folder / Path(name).name, str(digest), run)
    return config


def settle(path: Path) -> None:
    """Makes the file system keep what was written before a later rename."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check(path: Path, digest: str, run: Path) -> None:
    try:
        found = file_digest(path)
    except FileNotFoundError:
        raise DamagedFileError(f"{path} is missing", hint=_copy(run)) from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror})") from error
    if found != digest:
        raise DamagedFileError(
            f"{path} is not the file that the run saved",
            expected=f"SHA-256 {digest}",
            hint=_copy(run),
        )


def _copy(run: Path) -> str:
    return f"regraft fit again, or a copy of {run} from before"


def _digest(content: Mapping[str, Any]) -> str:
    """Returns the SHA-256 of plain data, whatever its spacing and order in the file."""
    text = json.dumps(content, ensure_ascii=True, sort_keys=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
