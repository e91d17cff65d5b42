"""Keeps the stores of all levels under one roof: listed, capped, the oldest dropped."""

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from regraft.data.starters.cache import cache_folder
from regraft.errors import SettingsError, StorageError, counted
from regraft.features.segment import DATA, INDEX, STALE, YOUNG, Segment, is_abandoned
from regraft.features.store import CHECKED, DRAFT, Store

FOLDER = "features"
USED = "used"
"""A file in each store, touched at every use."""
LIMIT = 20 * 10**9
"""Bytes of all stores together; `REGRAFT_CACHE_BYTES` overrides."""
RESERVE, RESERVED_SHARE = 10**9, 0.05
"""Bytes of the disk that are left to others: a share of it, but no more than so many."""
AFTERMATH = frozenset({errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST})
"""What the system says of what others deleted, and of a folder in which something stays."""
MEASURED = "worth"
"""How names of files begin that hold what was measured."""


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
        SettingsError: If `REGRAFT_CACHE_BYTES` is no number of bytes.
    """
    typed = os.environ.get("REGRAFT_CACHE_BYTES", "").strip()
    with contextlib.suppress(ValueError, OverflowError):
        count = float(typed or LIMIT)
        if count >= 0:
            return int(count)
    raise SettingsError(
        f"REGRAFT_CACHE_BYTES = {typed!r} cannot be used",
        expected="a number of bytes, at least 0",
        hint="REGRAFT_CACHE_BYTES=20e9",
    )


def open_store(key: str) -> Store:
    """Returns the store of a level, and notes that it was used."""
    folder = roof() / key
    with contextlib.suppress(OSError):  # a folder that may not be entered as well
        if folder.is_dir():
            (folder / USED).touch()
    return Store(folder)


def shelved() -> list[Shelved]:
    """Returns what is there, the one used last first."""
    found = [_shelved(folder) for folder in _folders()]
    return sorted(filter(None, found), key=lambda each: -each.used)


def make_room(needed: int, *, keep: Collection[str]) -> bool:
    """Drops the stores used longest ago until so many bytes are free; says whether they are.

    They are free where neither the limit nor the disk is in the way. Of stores that stay, and
    of those that another process is filling, the segments go last of all that this process has
    found no row in.

    Args:
        needed: Bytes to come.
        keep: Keys of the stores that stay: the one that they are for, those that are read.
    """
    if needed <= 0:
        return True
    for folder in _folders():
        _drop_abandoned(folder)
    there = shelved()
    staying = {*keep, *(each.key for each in there if _is_filled(roof() / each.key))}
    old = [each for each in reversed(there) if each.key not in staying]
    idle = _idle(roof() / key for key in staying)
    spare = min(limit() - sum(each.bytes for each in there), _free())
    if needed > spare + sum(each.bytes for each in old) + sum(map(_bytes, idle)):
        return False  # nothing is dropped in vain
    left = _dropped(old, needed - spare)
    return _dropped_segments(idle, left) <= 0


def trim() -> None:
    """Drops what was found longest ago until the limit is kept, but nothing that is read here.

    Processes that make room at the same time are all told that there is some.
    """
    above = sum(map(_taken, _folders())) - limit()
    if above > 0:
        _dropped_segments(_idle(_folders()), above)


def _dropped(old: Sequence[Shelved], needed: int) -> int:
    """Drops one store after the other until so many bytes came free; returns what lacks."""
    for each in old:
        if needed <= 0:
            break
        shutil.rmtree(roof() / each.key, ignore_errors=True)
        if not (roof() / each.key).exists():
            needed -= each.bytes
    return needed


def _dropped_segments(old: Sequence[Segment], needed: int) -> int:
    """Drops one segment after the other until so many bytes came free; returns what lacks."""
    for segment in old:
        if needed <= 0:
            break
        size = _bytes(segment)
        segment.drop()
        needed -= size - _bytes(segment)
    return needed


def _idle(folders: Iterable[Path]) -> list[Segment]:
    """Returns the segments of some stores that this process has found no row in; see below."""
    return [segment for segment in _segments(folders) if segment.path not in CHECKED]


def _segments(folders: Iterable[Path]) -> list[Segment]:
    """Returns the segments of some stores, those first in which rows were found longest ago."""
    found = []
    for segment in (each for folder in folders for each in Store(folder).segments):
        with contextlib.suppress(OSError):  # others are just dropping it
            found.append((segment.used, segment))
    return [segment for _, segment in sorted(found, key=lambda pair: pair[0])]


def _bytes(segment: Segment) -> int:
    return sum(_size(segment.path.with_suffix(suffix)) for suffix in (DATA, INDEX))


def empty(key: str) -> None:
    """Drops the rows of a level that nobody will ask for again.

    What was measured stays, so that the same run decides alike when it is repeated.
    """
    for segment in Store(roof() / key).segments:
        segment.drop()


def clear() -> int:
    """Drops all that may be deleted; returns the bytes that were freed.

    Raises:
        StorageError: If something may not be.
    """
    before = sum(each.bytes for each in shelved())
    refused: list[tuple[str, OSError]] = []

    def note(_: object, path: str, told: tuple[object, BaseException, object]) -> None:
        if isinstance(told[1], OSError) and told[1].errno not in AFTERMATH:
            refused.append((path, told[1]))

    shutil.rmtree(roof(), onerror=note)
    if refused:
        path, error = refused[0]
        others = f", nor can {counted(len(refused) - 1, 'other')}" if refused[1:] else ""
        raise StorageError(f"{path} cannot be deleted ({error.strerror or error}){others}")
    return before - sum(each.bytes for each in shelved())


def prune() -> int:
    """Drops what is damaged, half-written or above the limit; returns the bytes freed."""
    before = sum(each.bytes for each in shelved())
    for folder in _folders():
        _prune(folder)
    for path in _inside(roof()):  # of a process that was killed while it measured the disk
        if path.name[0] == "." and _age(path) > STALE:
            shutil.rmtree(path, ignore_errors=True)
    above = sum(each.bytes for each in shelved()) - limit()
    _dropped_segments(_segments(_folders()), above)
    return before - sum(each.bytes for each in shelved())


def _prune(folder: Path) -> None:
    store = Store(folder)
    for segment in store.segments:
        if not segment.sound:
            segment.drop()
    _drop_abandoned(folder)
    known = {segment.path.stem for segment in Store(folder).segments} | {USED}
    for path in _inside(folder):
        measured = path.name.startswith(MEASURED) and path.suffix == ".json"
        # What is there for a moment may be a segment whose index comes next.
        if path.stem not in known and path.suffix != DRAFT and not measured and _age(path) > YOUNG:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _drop_abandoned(folder: Path) -> None:
    """Drops what a process has left half-written that was killed."""
    for path in _inside(folder):
        if path.suffix == DRAFT and is_abandoned(path):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _is_filled(folder: Path) -> bool:
    """Says whether a process is writing to a store, what was abandoned being gone."""
    return any(path.suffix == DRAFT for path in _inside(folder))


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:  # gone meanwhile
        return 0.0


def _folders() -> list[Path]:
    return [path for path in _inside(roof()) if path.is_dir() and path.name[0] != "."]


def _inside(folder: Path) -> list[Path]:
    """Returns what lies in a folder; nothing where it went just now, or is closed to us."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _shelved(folder: Path) -> Shelved | None:
    """Returns what a store is, or None where another process is just dropping it."""
    try:
        used = folder / USED
        when = (used if used.exists() else folder).stat().st_mtime
    except OSError:
        return None
    rows = sum(len(segment.lengths) for segment in Store(folder).segments)
    return Shelved(folder.name, rows, _taken(folder), when)


def _taken(folder: Path) -> int:
    """Returns the bytes of a store."""
    return sum(map(_size, _inside(folder)))


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
