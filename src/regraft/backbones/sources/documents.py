"""Makes plain data from JSON files, and JSON files from plain data."""

import json
from pathlib import Path
from typing import Any

from regraft.errors import BackboneError, DamagedFileError, DataError, StorageError


def read_json(path: Path) -> Any:
    """Returns the content of a JSON file.

    Raises:
        FileNotFoundError: If there is no such file.
        NotADirectoryError: If a folder of its path is a file.
        StorageError: If it cannot be read.
        DamagedFileError: If it is no JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(f"{path} is not JSON ({error})") from None


def incomplete(run: Path, missing: Path) -> DataError:
    """Returns the error for a path that is no complete run.

    Args:
        run: As it was typed.
        missing: The file of a run that is not there.
    """
    why = f"{missing} is missing" if run.exists() else "there is no such folder"
    expected = "a folder that regraft fit made"
    return DataError(f"{run} is no complete run: {why}", expected=expected)


def write_json(path: Path, content: object) -> None:
    """Writes content as readable JSON."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2), "utf-8")


def read_object(path: Path) -> dict[str, Any]:
    """Returns the object in a JSON file of a saved network.

    Raises:
        BackboneError: If the file is missing.
        StorageError: If it cannot be read.
        DamagedFileError: If it holds no JSON object.
    """
    try:
        content = read_json(path)
    except (FileNotFoundError, NotADirectoryError):
        raise BackboneError(f"{path.parent} has no {path.name}", expected="a saved model") from None
    if not isinstance(content, dict):
        raise DamagedFileError(f"{path} holds no JSON object")
    return content
