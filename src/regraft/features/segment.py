"""Reads what was stored of rows at once: a file of numbers, an index of keys and lengths."""

import contextlib
import hashlib
import json
import os
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from regraft.data.mapped.room import room_made
from regraft.data.starters.cache import file_digest
from regraft.features.rowkeys import Keys

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

DATA, INDEX = ".bin", ".index"
YOUNG = 10.0
"""Seconds in which a file may not be held yet."""
STALE = 24 * 3600.0
"""Seconds after which a file belongs to a process that died, where none can be held."""
HELD = Path("/proc/locks")
"""What Linux says of all that is held."""
Array = npt.NDArray[np.generic]
Places = npt.NDArray[np.int64]
Stamp = tuple[int, int, int, int]


class DamageError(Exception):
    """An index is not what was written, or not that of the numbers beside it."""


@dataclass(frozen=True, eq=False)
class Segment:
    """Rows that were stored at once: one file of numbers, one of keys and lengths.

    Args:
        path: Of the numbers.
        keys: (N, 16) of the rows.
        lengths: (N,) how long each row is along its first extent.
        tail: The extents of a row but for the first.
        dtype: Of the numbers.
        digest: SHA-256 of the file of numbers.
    """

    path: Path
    keys: Keys
    lengths: Places
    tail: tuple[int, ...]
    dtype: str
    digest: str

    @cached_property
    def starts(self) -> Places:
        """(N + 1,) where each row starts, counted along the first extent."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.lengths)])

    @cached_property
    def numbers(self) -> Array:
        """(S, *tail) all rows one after the other, mapped."""
        shape = (int(self.starts[-1]), *self.tail)
        return np.memmap(self.path, np.dtype(self.dtype), mode="r", shape=shape)

    @cached_property
    def _sorted(self) -> tuple[Places, npt.NDArray[np.uint64]]:
        """(N,) the rows in the order of their keys' first halves, and (N,) these in it.

        Sorted once: rows are looked for chunk by chunk.
        """
        first = _halves(self.keys)[:, 0]
        order: Places = np.argsort(first, kind="stable")
        return order, first[order]

    def places(self, keys: Keys) -> Places:
        """Returns (M,) the row of each key, -1 where there is none.

        Args:
            keys: (M, 16).
        """
        if not len(self.keys):
            return np.full(len(keys), -1, np.int64)
        order, first = self._sorted
        sought = _halves(keys)
        at = np.searchsorted(first, sought[:, 0])
        found = order[np.minimum(at, len(order) - 1)]
        equal = (_halves(self.keys)[found] == sought).all(axis=1)
        return np.where(equal, found, -1)

    def row(self, number: int) -> Array:
        """Returns (L, *tail) of a row, mapped."""
        return self.numbers[self.starts[number] : self.starts[number + 1]]

    @property
    def mapped(self) -> bool:
        """Says whether the numbers are there, and maps them."""
        try:
            return self.numbers is not None
        except (OSError, ValueError):
            return False

    @property
    def sound(self) -> bool:
        """Says whether the numbers are there, and are those that were written."""
        try:
            return file_digest(self.path) == self.digest and self.mapped
        except OSError:
            return False

    @property
    def used(self) -> float:
        """Seconds since the epoch when rows of it were found last."""
        return self.path.with_suffix(INDEX).stat().st_mtime

    def touch(self) -> None:
        """Notes that rows of it were found."""
        with contextlib.suppress(OSError):
            os.utime(self.path.with_suffix(INDEX))

    def drop(self) -> None:
        """Removes both files."""
        drop(self.path)


def _halves(keys: Keys) -> npt.NDArray[np.uint64]:
    """Returns (N, 2) both halves of each key as numbers."""
    return np.ascontiguousarray(keys).view(np.uint64)


def stamp_of(path: Path) -> Stamp | None:
    """Returns what changes when a file is written to or replaced; None where there is none."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def drop(path: Path) -> None:
    """Removes numbers and index, the index first: without it the rest counts for nothing."""
    for each in (path.with_suffix(INDEX), path):
        with contextlib.suppress(OSError):
            each.unlink(missing_ok=True)


def read_index(path: Path) -> Segment:
    """Returns the segment of an index.

    Args:
        path: Of the index.

    Raises:
        OSError: If it cannot be read; FileNotFoundError if a file of it is gone.
        DamageError: If its files are not what was written.
    """
    try:
        with safe_open(path, framework="numpy") as index:
            told = json.loads(index.metadata()["segment"])
            keys = _in_room(index.get_slice("keys"), np.uint8)
            lengths = _in_room(index.get_slice("lengths"), np.int64)
        return _segment(path.with_suffix(DATA), told, keys, lengths)
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        raise DamageError(str(path)) from error


def _segment(numbers: Path, told: dict[str, Any], keys: Keys, lengths: Places) -> Segment:
    # A flipped bit in what follows would turn every row into other numbers.
    if index_digest(told, keys, lengths=lengths) != told["index"]:
        raise ValueError("another digest")
    tail, dtype = tuple(int(extent) for extent in told["tail"]), np.dtype(told["dtype"])
    size = int(lengths.sum()) * int(np.prod(tail, dtype=np.int64)) * dtype.itemsize
    if numbers.stat().st_size != size or len(keys) != len(lengths):
        raise ValueError("other numbers")
    return Segment(numbers, keys, lengths, tail, dtype.str, str(told["sha256"]))


def index_digest(told: dict[str, Any], keys: Keys, *, lengths: Places) -> str:
    """Returns the SHA-256 of all that an index says.

    Args:
        told: `dtype`, `tail` and the digest of the numbers.
        keys: (N, 16).
        lengths: (N,).
    """
    said = json.dumps([told[name] for name in ("dtype", "tail", "sha256")])
    hashed = hashlib.sha256(said.encode())
    for array in (keys, lengths):
        hashed.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return hashed.hexdigest()


def _in_room(stored: Any, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Returns an array of an index, read some rows at a time."""
    return room_made(tuple(stored.get_shape()), dtype, make=lambda block: stored[block])


def hold(stream: IO[Any] | int) -> bool:
    """Holds a file for as long as it is open: the system lets go of it when the process dies.

    Says whether nobody else holds it; where a file system holds none, nobody does.

    Args:
        stream: An open file, or the number of one or of a folder.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return not isinstance(error, BlockingIOError)
    return True


def holder(path: Path, listing: Path = HELD) -> int | None:
    """Returns the number of the process that holds a file or folder, where the system tells.

    Args:
        path: Of what is held.
        listing: Of all that is held.
    """
    try:
        seen, lines = path.stat(), listing.read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    place = f"{os.major(seen.st_dev):02x}:{os.minor(seen.st_dev):02x}:{seen.st_ino}"
    # Such as "1: FLOCK  ADVISORY  WRITE 4242 fe:01:131 0 EOF".
    told = [words for words in map(str.split, lines) if words[1:2] == ["FLOCK"] and place in words]
    return next((int(words[4]) for words in told if words[4].isdecimal()), None)


def is_abandoned(path: Path) -> bool:
    """Says whether nobody writes a file any more."""
    try:
        age = time.time() - path.stat().st_mtime
        if fcntl is None or age < YOUNG:
            return age >= STALE
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held, dropped meanwhile, or somebody else's
        return False
    return True
