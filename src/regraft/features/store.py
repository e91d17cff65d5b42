"""Keeps what a frozen prefix makes of rows, ragged, in memory maps on the disk."""

import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import save_file

from regraft.backbones.sources.seal import settle
from regraft.data.mapped.digests import BYTES
from regraft.data.mapped.room import Growing as Numbers
from regraft.data.mapped.room import room_made
from regraft.features.rowkeys import Keys
from regraft.features.segment import (
    DATA,
    INDEX,
    Array,
    DamageError,
    Places,
    Segment,
    Stamp,
    drop,
    hold,
    index_digest,
    read_index,
    stamp_of,
)

DRAFT = ".tmp"
CHECKED: dict[Path, Stamp | None] = {}
"""Segments whose digests were compared in this process, and their files as they were then."""
BAD: set[Path] = set()
"""Segments that were found damaged in this process: not all of them can be deleted."""


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
        self._damaged: set[Path] = set()
        self.refresh()

    def refresh(self) -> None:
        """Looks for segments that were added since, and forgets those that went."""
        known = {segment.path: segment for segment in self.segments}
        try:
            paths = sorted(self.folder.glob(f"*{INDEX}"))
        except OSError:  # a folder that may not be entered: what it holds cannot be read
            paths = []
        read = (known.get(path.with_suffix(DATA)) or self._opened(path) for path in paths)
        self.segments = [segment for segment in read if segment is not None]

    def find(self, keys: Keys) -> tuple[Places, Places]:
        """Returns (M,) the segment and (M,) the row in it of each key; -1 where there is none.

        Segments in which something is found are checked against their digests, once in a
        process and again where their files changed since; one that is damaged is dropped, and
        its rows are not found. They are mapped as well: what others drop later can still be
        read.

        Args:
            keys: (M, 16).
        """
        while True:
            found = self._look_up(keys)
            used = [self.segments[number] for number in np.unique(found[0]) if number >= 0]
            lost = [segment for segment in used if not _readable(segment)]
            if not lost:
                for segment in used:
                    segment.touch()
                return found
            for segment in lost:
                if segment.path.exists():  # else others dropped it
                    self._condemn(segment.path)
                segment.drop()
                self.segments.remove(segment)

    def sweep(self) -> bool:
        """Drops what was found damaged, where that is allowed; says whether something was."""
        for path in self._damaged:
            drop(path)
        return bool(self._damaged)

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
                hold(stream)
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
        CHECKED[path] = stamp_of(path)  # what was just written need not be read again
        self.refresh()

    def _opened(self, index: Path) -> Segment | None:
        """Returns the segment of an index, or None where it cannot be used."""
        numbers = index.with_suffix(DATA)
        if numbers not in BAD:
            try:
                return read_index(index)
            except OSError:  # others are just dropping it, or it is somebody else's
                return None
            except DamageError:
                pass
        self._condemn(numbers)
        return None

    def _condemn(self, path: Path) -> None:
        BAD.add(path)
        self._damaged.add(path)

    def _look_up(self, keys: Keys) -> tuple[Places, Places]:
        segments, numbers = (
            room_made((len(keys),), np.int64, make=lambda block: -1) for _ in range(2)
        )
        for place, segment in enumerate(self.segments):
            missing = np.flatnonzero(segments < 0)
            if not len(missing):
                break
            here = segment.places(keys[missing])
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
        told["index"] = index_digest(told, keys, lengths=lengths)
        arrays: dict[str, Any] = {"keys": keys, "lengths": lengths}
        index = path.with_suffix(INDEX)
        building = path.with_suffix(INDEX + DRAFT)
        try:
            save_file(arrays, building, metadata={"segment": json.dumps(told)})
        except SafetensorError as error:
            raise OSError(0, str(error)) from error
        building.chmod(draft.stat().st_mode)  # safetensors lets nobody else read
        settle(building)
        draft.replace(path)
        settle(path.parent)
        building.replace(index)
        settle(path.parent)


def _readable(segment: Segment) -> bool:
    """Says whether a segment is what was written and still there; then it is mapped."""
    now = stamp_of(segment.path)  # before it is read: what changes meanwhile is seen next time
    if segment.path in CHECKED and now in (CHECKED[segment.path], None):
        return segment.mapped  # also where others dropped it since
    if not segment.sound:
        return False
    CHECKED[segment.path] = now
    return True
