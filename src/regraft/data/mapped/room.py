"""Makes room for many numbers: in memory, or mapped from a file that has no name."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from io import BufferedRandom
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from regraft.data.starters.cache import cache_folder

IN_MEMORY = 2**22
"""Bytes up to which an array lies in memory."""
BLOCK = 2**14
"""Rows that are looked at together."""
Array = npt.NDArray[Any]


def room_for(shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> Array:
    """Returns an array to be filled.

    A large one is mapped: the pages that are not in use go to the disk, and the file goes
    with the array. Where the disk has no room it lies in memory after all.

    Args:
        shape: Of the array.
        dtype: Of its numbers.
    """
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if size > IN_MEMORY:
        with contextlib.suppress(OSError), nameless() as stream:
            _reserve(stream, size)
            return np.memmap(stream, dtype, mode="r+", shape=shape).view(np.ndarray)
    return np.empty(shape, dtype)


def _reserve(stream: BufferedRandom, size: int) -> None:
    """Makes a file so large, on the disk too where the system can be asked for that."""
    if hasattr(os, "posix_fallocate"):
        # A file with holes would end the process where the disk fills up later.
        os.posix_fallocate(stream.fileno(), 0, size)
    else:
        stream.truncate(size)


def nameless() -> BufferedRandom:
    """Opens a file that has no name and goes when nobody holds it any more.

    Raises:
        OSError: If the disk or a permission says no.
    """
    place = cache_folder()
    place.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=place)  # the caller closes it


def read_back(stream: BufferedRandom, count: int, *, dtype: npt.DTypeLike) -> Array:
    """Returns the first numbers of a file, (N,), mapped, and closes it.

    Past its buffer: what a full disk did not take waits in there, and would be written once
    more before anything is read, and when the file is closed.

    Args:
        stream: From `nameless`.
        count: N numbers, which were flushed.
        dtype: Of the numbers.
    """
    raw = stream.raw
    try:
        if not count:
            return np.empty(0, dtype)
        return np.memmap(raw, dtype, mode="r+", shape=(count,)).view(np.ndarray)
    finally:
        with contextlib.suppress(OSError):
            raw.close()


def blocks(count: int) -> Iterator[slice]:
    """Yields the rows from 0 to N − 1 in order, some at a time."""
    for start in range(0, count, BLOCK):
        yield slice(start, min(start + BLOCK, count))


def room_made(
    shape: tuple[int, ...], dtype: npt.DTypeLike, *, make: Callable[[slice], npt.ArrayLike]
) -> Array:
    """Returns an array that is made some rows at a time.

    Args:
        shape: (N, …) of the array.
        dtype: Of its numbers.
        make: Makes some rows; asked for them in order.
    """
    room = room_for(shape, dtype)
    for block in blocks(shape[0]):
        room[block] = make(block)
    return room


def room_of(values: Iterable[Any], count: int, *, dtype: npt.DTypeLike) -> Array:
    """Returns (N,) numbers that are made one after the other.

    Args:
        values: N numbers.
        count: N.
        dtype: Of the array.
    """
    coming = iter(values)

    def some(block: slice) -> Array:
        return np.fromiter(islice(coming, block.stop - block.start), dtype)

    return room_made((count,), dtype, make=some)


def picked(values: Array, rows: npt.NDArray[np.int64]) -> Array:
    """Returns the values of some rows: (N, …) by (M,) gives (M, …).

    Args:
        values: Of all rows.
        rows: Which, in which order.
    """
    shape = (len(rows), *values.shape[1:])
    return room_made(shape, values.dtype, make=lambda block: values[rows[block]])


class Growing:
    """Numbers that are added one part after the other, in memory until they are many.

    Args:
        dtype: Of the numbers.
    """

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self._dtype = np.dtype(dtype)
        self._parts: list[Array] = []
        self._held = 0
        self._stream: BufferedRandom | None = None
        self._written = 0
        self._full = False

    def add(self, numbers: Array) -> None:
        """Adds some numbers, (M,)."""
        self._parts.append(np.asarray(numbers, self._dtype))
        self._held += self._parts[-1].nbytes
        if self._held > IN_MEMORY and not self._full:
            self._spill()

    def whole(self) -> Array:
        """Returns all numbers, (S,); nothing may be added afterwards."""
        if self._stream is None:
            return np.concatenate([np.zeros(0, self._dtype), *self._parts])
        self._spill()
        if self._full:  # while the last ones were written
            return self.whole()
        return read_back(self._stream, self._written, dtype=self._dtype)

    def _spill(self) -> None:
        """Moves what is held to the file, or all of it to memory where the disk is full."""
        try:
            self._stream = self._stream or nameless()
            content = np.concatenate([np.zeros(0, self._dtype), *self._parts])
            self._stream.write(content.data)
            self._stream.flush()
        except OSError:
            self._take_back()
            return
        self._written += len(content)
        self._parts, self._held = [], 0

    def _take_back(self) -> None:
        self._full = True
        stream, self._stream = self._stream, None
        if stream is not None:
            self._parts.insert(0, read_back(stream, self._written, dtype=self._dtype))
