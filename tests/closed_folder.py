"""Stands for a folder that may not be entered; tests may run as one who may enter every folder."""

import errno
from pathlib import Path
from typing import Any

import pytest


def close_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets nobody look at what lies in a folder, or make something there.

    Args:
        folder: That is closed.
        monkeypatch: Opens it at the end of the test.
    """
    for name in ("exists", "glob", "is_dir", "mkdir", "open", "touch"):
        monkeypatch.setattr(Path, name, _refusing(getattr(Path, name), folder))


def _refusing(real: Any, folder: Path) -> Any:
    def work(path: Path, *given: Any, **named: Any) -> Any:
        if folder in path.parents:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *given, **named)

    return work
