"""Keeps what a frozen prefix makes of rows, ragged, in memory maps on the disk."""

import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from regraft.backbones.sources.seal import settle
from regraft.data.mapped.digests import BYTES
from regraft.data.mapped.room import Growing as Numbers
from regraft.data.mapped.room import room_made
from regraft.data.starters.cache import file_digest
from regraft.features.rowkeys import Keys

DATA, INDEX, DRAFT = ".bin", ".index", ".tmp"
CHECKED: set[Path] = set()
"""Segments whose digests were compared in this process; their names never come again."""
Array = npt.NDArray[np.generic]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
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

    def row(self, number: int) -> Array:
        """Returns (L, *tail) of a row, mapped."""
        return self.numbers[self.starts[number] : self.starts[number + 1]]

    @property
    def sound(self) -> bool:
        """Says whether the numbers are there, and are those that were written."""
        try:
            return file_digest(self.path) == self.digest and self.numbers is not None
        except (OSError, ValueError):
            return False

    def drop(self) -> None:
        """Removes both files, the index first: without it the rest counts for nothing."""
        for path in (self.path.with_suffix(INDEX), self.path):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


class Store:
    """All segments of one level. Segments are only ever added, or dropped whole.

    Every process writes segments of its own, and a segment is there when its index is, so
    two processes that fill one store never wait for each other and never see half a row.

    Args:
        folder: Made at the first segment.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.segments: list[Segment] = []
        self.refresh()

    def refresh(self) -> None:
        """Looks for segments that were added since, and forgets those that went."""
        known = {segment.path: segment for segment in self.segments}
        paths = sorted(self.folder.glob(f"*{INDEX}"))
        read = (known.get(path.with_suffix(DATA)) or _read_index(path) for path in paths)
        self.segments = [segment for segment in read if segment is not None]

    def find(self, keys: Keys) -> tuple[Places, Places]:
        """Returns (M,) the segment and (M,) the row in it of each key; -1 where there is none.

        Segments in which something is found are checked against their digests, once in a
        process; one that is damaged is dropped, and its rows are not found.

        Args:
            keys: (M, 16).
        """
        while True:
            found = self._look_up(keys)
            used = [self.segments[number] for number in np.unique(found[0]) if number >= 0]
            damaged = [s for s in used if s.path not in CHECKED and not s.sound]
            CHECKED.update(segment.path for segment in used)
            if not damaged:
                for segment in used:
                    _ = segment.numbers  # mapped now: it may be dropped by others later
                return found
            for segment in damaged:
                segment.drop()
                self.segments.remove(segment)

    def rows(self, segments: Places, numbers: Places) -> Iterator[Array]:
        """Yields the rows at places that `find` gave, mapped."""
        for segment, number in zip(segments.tolist(), numbers.tolist(), strict=True):
            yield self.segments[segment].row(number)

    @contextlib.contextmanager
    def growing(self) -> Iterator["Growing"]:
        """Opens a segment that is there as a whole when the stretch ends, or not at all.

        Raises:
            OSError: If the disk or a permission says no.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{os.getpid()}-{uuid.uuid4().hex}{DATA}"
        draft = path.with_suffix(DRAFT)
        try:
            with draft.open("wb") as stream:
                segment = Growing(stream)
                yield segment
                stream.flush()
                os.fsync(stream.fileno())
            segment.finish(draft, path)
        except BaseException:
            for left in (draft, path, path.with_suffix(INDEX + DRAFT)):
                with contextlib.suppress(OSError):
                    left.unlink(missing_ok=True)
            raise
        CHECKED.add(path)  # what was just written need not be read again
        self.refresh()

    def _look_up(self, keys: Keys) -> tuple[Places, Places]:
        segments, numbers = (
            room_made((len(keys),), np.int64, make=lambda block: -1) for _ in range(2)
        )
        for place, segment in enumerate(self.segments):
            missing = np.flatnonzero(segments < 0)
            if not len(missing):
                break
            here = _places(segment.keys, keys[missing])
            hit = here >= 0
            segments[missing[hit]], numbers[missing[hit]] = place, here[hit]
        return segments, numbers


class Growing:
    """A segment that is being written.

    Args:
        stream: Takes the numbers.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._keys = Numbers(np.uint8)
        self._lengths = Numbers(np.int64)
        self._digest = hashlib.sha256()
        self._kind: tuple[str, tuple[int, ...]] | None = None

    def add(self, keys: Keys, rows: Sequence[Array]) -> None:
        """Adds rows.

        Args:
            keys: (B, 16).
            rows: B arrays (L, *tail), of one dtype and tail in the whole store.
        """
        for row in rows:
            kind = (row.dtype.str, row.shape[1:])
            self._kind = self._kind or kind
            assert kind == self._kind, f"rows of {kind} among rows of {self._kind}"
            content = np.ascontiguousarray(row).tobytes()
            self._stream.write(content)
            self._digest.update(content)
        self._lengths.add(np.array([len(row) for row in rows]))
        self._keys.add(keys.reshape(-1))

    def finish(self, draft: Path, path: Path) -> None:
        """Puts the segment in its place, its index last.

        Raises:
            OSError: If the disk or a permission says no.
        """
        if self._kind is None:
            draft.unlink()
            return
        dtype, tail = self._kind
        keys, lengths = self._keys.whole().reshape(-1, BYTES), self._lengths.whole()
        told = {"dtype": dtype, "tail": list(tail), "sha256": self._digest.hexdigest()}
        told["index"] = _index_digest(told, keys, lengths)
        arrays: dict[str, Any] = {"keys": keys, "lengths": lengths}
        index = path.with_suffix(INDEX)
        building = path.with_suffix(INDEX + DRAFT)
        try:
            save_file(arrays, building, metadata={"segment": json.dumps(told)})
        except SafetensorError as error:
            raise OSError(0, str(error)) from error
        settle(building)
        draft.replace(path)
        settle(path.parent)
        building.replace(index)
        settle(path.parent)


def _read_index(path: Path) -> Segment | None:
    """Returns a segment, or None where its files are not what was written."""
    try:
        with safe_open(path, framework="numpy") as index:
            told = json.loads(index.metadata()["segment"])
            keys = _in_room(index.get_slice("keys"), np.uint8)
            lengths = _in_room(index.get_slice("lengths"), np.int64)
        # A flipped bit in what follows would turn every row into other numbers.
        if _index_digest(told, keys, lengths) != told["index"]:
            return None
        tail, dtype = tuple(int(extent) for extent in told["tail"]), np.dtype(told["dtype"])
        size = int(lengths.sum()) * int(np.prod(tail, dtype=np.int64)) * dtype.itemsize
        numbers = path.with_suffix(DATA)
        if numbers.stat().st_size != size or len(keys) != len(lengths):
            return None
        return Segment(numbers, keys, lengths, tail, dtype.str, str(told["sha256"]))
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        return None


def _index_digest(told: dict[str, Any], keys: Keys, lengths: Places) -> str:
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


def _places(stored: Keys, wanted: Keys) -> Places:
    """Returns (M,) where each wanted key lies among the stored ones, -1 where it does not."""
    if not len(stored):
        return np.full(len(wanted), -1, np.int64)
    halves = np.ascontiguousarray(stored).view(np.uint64)
    order = np.argsort(halves[:, 0], kind="stable")
    sought = np.ascontiguousarray(wanted).view(np.uint64)
    at = np.searchsorted(halves[order, 0], sought[:, 0])
    found = order[np.minimum(at, len(order) - 1)]
    equal = (halves[found] == sought).all(axis=1)
    return np.where(equal, found, -1)
