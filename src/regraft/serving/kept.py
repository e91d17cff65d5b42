"""Makes a model that lies in a folder of its own, and travels as the bytes of its files."""

import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

from regraft.errors import StorageError
from regraft.serving.model import Model
from regraft.serving.store import MODEL, load


class KeptModel:
    """The model folder of a run, in a temporary folder that goes when this object goes.

    Pickled or copied it holds the files' bytes, safetensors and JSON, never an object of
    torch; the copy writes them into a folder of its own when it is first asked.
    """

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        self._model: Model | None = None
        self._folder: Path | None = None

    def folder(self) -> Path:
        """Returns the run folder, made at the first call; `model` goes into it."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="regraft-"))
            weakref.finalize(self, _remove, self._folder, os.getpid())
        return self._folder

    def model(self, device: str) -> Model:
        """Returns the model, loaded and checked at the first call; it needs this object.

        Args:
            device: Where it shall answer.
        """
        if self._model is None or self._model.mode.device != device:
            self._unpack()
            self._model = load(self.folder(), device=device)
        return self._model

    def _unpack(self) -> None:
        place = self.folder() / MODEL
        if self._files:
            place.mkdir(exist_ok=True)
        for name, content in self._files.items():
            (place / Path(name).name).write_bytes(content)
        self._files = {}

    def __getstate__(self) -> dict[str, Any]:
        """Returns the files of the model folder.

        Raises:
            StorageError: If there are none, as something has emptied the temporary folder.
        """
        place = self.folder() / MODEL
        found = place.iterdir() if place.is_dir() else ()
        files = self._files or {path.name: path.read_bytes() for path in found}
        if not files:
            raise StorageError(f"{place} is gone, and the model with it", hint="fit again")
        return {"files": files}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Takes the files; they are written when the model is first asked for."""
        self.__init__()  # type: ignore[misc]
        self._files = dict(state["files"])


def _remove(folder: Path, owner: int) -> None:
    """Removes the folder, unless this is a fork of the process that made it."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
