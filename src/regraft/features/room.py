"""Makes room for many numbers: in memory, or mapped from a file that has no name."""

import contextlib
import os
import tempfile

import numpy as np
import numpy.typing as npt

from regraft.features import shelf

IN_MEMORY = 2**28
"""Bytes up to which an array lies in memory."""


def room_for(shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Returns an array of fp32 numbers to be filled.

    A large one is mapped: the pages that are not in use go to the disk, and the file goes
    with the array. Where the disk has no room it lies in memory after all.

    Args:
        shape: Of the array.
    """
    size = 4 * shape[0] * shape[1]
    if size > IN_MEMORY:
        with contextlib.suppress(OSError):
            return _mapped(shape, size)
    return np.empty(shape, np.float32)


def _mapped(shape: tuple[int, int], size: int) -> npt.NDArray[np.float32]:
    shelf.roof().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=shelf.roof()) as stream:
        # A file with holes would end the process where the disk fills up later.
        os.posix_fallocate(stream.fileno(), 0, size)
        return np.memmap(stream, np.float32, mode="r+", shape=shape)
