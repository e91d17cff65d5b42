"""Makes the file of a trial's record, named by what the trial is a function of."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regraft.backbones.sources.documents import read_json
from regraft.errors import DamagedFileError
from regraft.runs.comparing.diverged import has_diverged
from regraft.runs.fitting.folder import RunFolder, plain

TRIALS = "trials"
Document = dict[str, Any]


def trial_name(config: Document) -> str:
    """Returns a name for a trial's files: a digest of its settings."""
    text = json.dumps(config, sort_keys=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:24]


def read_record(out: Path, config: Document) -> Document | None:
    """Returns what a trial came to, or None where it was not made yet.

    Args:
        out: Folder of the comparison.
        config: Plain JSON that the trial is a function of.

    Raises:
        DamagedFileError: If the file is there and holds no record.
    """
    place = out / TRIALS / f"{trial_name(config)}.json"
    if not place.exists():
        return None
    content = read_json(place)
    if not isinstance(content, dict) or not ("scores" in content or has_diverged(content)):
        raise DamagedFileError(f"{place} is no record of a trial", hint=f"removing {place}")
    return content


def write_record(out: Path, config: Document, *, record: Mapping[str, Any]) -> Document:
    """Writes what a trial came to, whole, and returns it as it is read again.

    Args:
        out: Folder of the comparison.
        config: Plain JSON that the trial is a function of.
        record: What it came to.
    """
    content = plain({"config": config, **record})
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1)
    RunFolder(out / TRIALS).write(f"{trial_name(config)}.json", text)
    read: Document = json.loads(text)
    return read
