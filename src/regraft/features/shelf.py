"""Keeps the stores of all levels under one roof: listed, capped, the oldest dropped."""

import contextlib
import os
import shutil
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from regraft.data.starters.cache import cache_folder
from regraft.errors import SettingsError
from regraft.features.store import DRAFT, Store

FOLDER = "features"
USED = "used"
"""A file in each store, touched at every use."""
LIMIT = 20 * 10**9
"""Bytes of all stores together; `REGRAFT_CACHE_BYTES` overrides."""
RESERVE, RESERVED_SHARE = 10**9, 0.05
"""Bytes of the disk that are left to others: a share of it, but no more than so many."""
STALE = 24 * 3600.0
"""Seconds after which a half-written file belongs to a process that died."""


@dataclass(frozen=True)
class Shelved:
    """One store, as it lies on the disk.

    Args:
        key: Of its level.
        rows: That are stored.
        bytes: On the disk.
        used: Seconds since the epoch when it was used last.
    """

    key: str
    rows: int
    bytes: int
    used: float


def roof() -> Path:
    """Returns the folder of all stores."""
    return cache_folder() / FOLDER


def limit() -> int:
    """Returns the bytes that all stores together may take.

    Raises:
        SettingsError: If `REGRAFT_CACHE_BYTES` is no number.
    """
    typed = os.environ.get("REGRAFT_CACHE_BYTES", str(LIMIT))
    try:
        return int(float(typed))
    except (ValueError, OverflowError):
        raise SettingsError(
            f"REGRAFT_CACHE_BYTES = {typed!r} cannot be used",
            expected="a number of bytes, such as 20e9",
        ) from None


def open_store(key: str) -> Store:
    """Returns the store of a level, and notes that it was used."""
    folder = roof() / key
    if folder.is_dir():
        with contextlib.suppress(OSError):
            (folder / USED).touch()
    return Store(folder)


def shelved() -> list[Shelved]:
    """Returns what is there, the one used last first."""
    found = [_shelved(folder) for folder in _folders()]
    return sorted(filter(None, found), key=lambda each: -each.used)


def make_room(needed: int, *, keep: Collection[str]) -> bool:
    """Drops the stores used longest ago until so many bytes are free; says whether they are.

    They are free where neither the limit nor the disk is in the way.

    Args:
        needed: Bytes to come.
        keep: Keys of the stores that stay: the one that they are for, those that are read.
    """
    there = shelved()
    old = [each for each in reversed(there) if each.key not in keep]
    spare = min(limit() - sum(each.bytes for each in there), _free())
    if needed > spare + sum(each.bytes for each in old):
        return False  # nothing is dropped in vain
    return _dropped(old, needed - spare)


def _dropped(old: Sequence[Shelved], needed: int) -> bool:
    """Drops one store after the other until so many bytes came free; says whether they did."""
    for each in old:
        if needed <= 0:
            break
        shutil.rmtree(roof() / each.key, ignore_errors=True)
        if not (roof() / each.key).exists():
            needed -= each.bytes
    return needed <= 0


def empty(key: str) -> None:
    """Drops the rows of a level that nobody will ask for again.

    What was measured stays, so that the same run decides alike when it is repeated.
    """
    for segment in Store(roof() / key).segments:
        segment.drop()


def clear() -> int:
    """Drops everything; returns the bytes that were freed."""
    freed = sum(each.bytes for each in shelved())
    shutil.rmtree(roof(), ignore_errors=True)
    return freed


def prune() -> int:
    """Drops what is damaged, half-written or above the limit; returns the bytes freed."""
    before = sum(each.bytes for each in shelved())
    for folder in _folders():
        _prune(folder)
    there = shelved()
    _dropped(there[::-1], sum(each.bytes for each in there) - limit())
    return before - sum(each.bytes for each in shelved())


def _prune(folder: Path) -> None:
    now = time.time()
    store = Store(folder)
    for segment in store.segments:
        if not segment.sound:
            segment.drop()
    known = {segment.path.stem for segment in Store(folder).segments} | {USED, "worth"}
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            young = path.suffix == DRAFT and now - path.stat().st_mtime < STALE
            if path.stem not in known and not young:
                path.unlink()


def _folders() -> list[Path]:
    return [path for path in roof().glob("*") if path.is_dir() and path.name[0] != "."]


def _shelved(folder: Path) -> Shelved | None:
    """Returns what a store is, or None where another process is just dropping it."""
    try:
        sizes = [_size(path) for path in folder.iterdir()]
        used = folder / USED
        when = (used if used.exists() else folder).stat().st_mtime
    except OSError:
        return None
    rows = sum(len(segment.lengths) for segment in Store(folder).segments)
    return Shelved(folder.name, rows, sum(sizes), when)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # renamed or dropped meanwhile
        return 0


def _free() -> int:
    """Returns the bytes that the stores may still take of the disk; below 0 = too many taken."""
    place = roof()
    while not place.exists():
        place = place.parent
    disk = shutil.disk_usage(place)
    return disk.free - min(RESERVE, int(disk.total * RESERVED_SHARE))
