"""Keeps checkpoints on the disk: whole or not at all, the last two, no pickle."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from regraft.backbones.sources.seal import settle
from regraft.backbones.weights import separate
from regraft.data.starters.cache import file_digest

GENERATIONS = 2
"""Checkpoints kept: if the newest is damaged, the one before serves."""
SHARE = 0.01
"""Of the training's time that checkpoints may take, at most twice that after a slow one."""
PACE = 300e6
"""Bytes a second that a disk is taken to write, digests included, before the first one."""
SOONEST = 15.0
"""Seconds before the first one and between any two."""


@dataclass(frozen=True)
class Kept:
    """What a checkpoint holds: tensors by name, and plain data."""

    tensors: dict[str, Tensor]
    content: dict[str, Any]


@dataclass
class Keeper:
    """The checkpoints of one run.

    A checkpoint is a file of tensors and a manifest with its size and digest. The manifest
    is written last, so that a checkpoint is there when its manifest is.

    Args:
        folder: Made at the first checkpoint, where it is not there.
        soonest: Least seconds between two.
        share: Of the time that they may take.
        trouble: Why the last one could not be written, or the empty string.
        spent: Seconds that all of them took.
        say: Told once of each that is damaged.
        damaged: Those that were told.
    """

    folder: Path
    soonest: float = SOONEST
    share: float = SHARE
    trouble: str = ""
    spent: float = 0.0
    say: Callable[[str], None] = lambda sentence: None
    damaged: list[int] = field(default_factory=list)
    _last: float = field(default_factory=lambda: time.monotonic())
    _cost: float = 0.0

    @property
    def due(self) -> bool:
        """Says whether the next checkpoint is worth its cost by now."""
        return time.monotonic() - self._last >= max(self.soonest, self._cost / self.share)

    def expect(self, size: int) -> None:
        """Takes the bytes that a checkpoint will have, before the first one is timed."""
        if not self.spent:
            self._cost = size / PACE

    def save(self, kept: Kept | Callable[[], Kept]) -> bool:
        """Writes a checkpoint and drops those before the last two; says whether it could.

        A full disk is no reason to lose the training: the trouble is noted, and what was
        there stays. What makes the checkpoint is timed with it.
        """
        start = time.monotonic()
        number = max(self._numbers(), default=0) + 1
        try:
            self.folder.mkdir(exist_ok=True)
            self._write(number, kept if isinstance(kept, Kept) else kept())
            self.trouble = ""
        except (OSError, SafetensorError) as error:
            self._drop(number)
            self.trouble = str(getattr(error, "strerror", None) or error)
        else:
            for old in sorted(self._numbers())[:-GENERATIONS]:
                self._drop(old)
        self._last = time.monotonic()
        self._cost = self._last - start
        self.spent += self._cost
        return not self.trouble

    def latest(self) -> Kept | None:
        """Returns the newest checkpoint that is whole, or None; those passed over are told."""
        return next(self._whole(), None)

    def clear(self) -> None:
        """Removes all of them: the run is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, number: int, kept: Kept) -> None:
        tensors, manifest = self._paths(number)
        building = tensors.with_suffix(".tmp")
        save_file(separate(kept.tensors), building)
        settle(building)
        text = json.dumps(kept.content, ensure_ascii=False)
        sealed = {
            "size": building.stat().st_size,
            "sha256": file_digest(building),
            "content": text,
            "content_sha256": hashlib.sha256(text.encode()).hexdigest(),
        }
        building.replace(tensors)
        draft = manifest.with_suffix(".tmp.json")
        draft.write_text(json.dumps(sealed, ensure_ascii=False), encoding="utf-8")
        settle(draft)
        settle(self.folder)
        draft.replace(manifest)
        settle(self.folder)

    def _whole(self) -> Iterator[Kept]:
        for number in sorted(self._numbers(), reverse=True):
            try:
                yield self._read(number)
            except (OSError, ValueError, KeyError, TypeError, SafetensorError):
                self._pass_over(number)

    def _read(self, number: int) -> Kept:
        tensors, manifest = self._paths(number)
        sealed = json.loads(manifest.read_text(encoding="utf-8"))
        text = str(sealed["content"])
        sound = (
            tensors.stat().st_size == sealed["size"]
            and hashlib.sha256(text.encode()).hexdigest() == sealed["content_sha256"]
            and file_digest(tensors) == sealed["sha256"]
        )
        if not sound:
            raise ValueError("another digest")
        return Kept(load_file(tensors), json.loads(text))

    def _pass_over(self, number: int) -> None:
        if number not in self.damaged:
            self.damaged.append(number)
            self.say(f"warning: the checkpoint {self._paths(number)[1]} is damaged: not taken")

    def _numbers(self) -> list[int]:
        names = [path.stem for path in self.folder.glob("*.json")]
        return [int(name) for name in names if name.isdecimal()]

    def _paths(self, number: int) -> tuple[Path, Path]:
        stem = f"{number:06d}"
        return self.folder / f"{stem}.safetensors", self.folder / f"{stem}.json"

    def _drop(self, number: int) -> None:
        tensors, manifest = self._paths(number)
        # The manifest first: without it the rest counts for nothing.
        drafts = (tensors.with_suffix(".tmp"), manifest.with_suffix(".tmp.json"))
        for path in (manifest, tensors, *drafts):
            try:
                path.unlink(missing_ok=True)
            except OSError:
                return
