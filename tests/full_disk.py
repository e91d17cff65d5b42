"""Makes files on a disk that fills up: their buffers keep what the disk did not take."""

import errno
import io
import os
from typing import Any


class _Raw(io.FileIO):
    """A file that takes so many bytes and then no more."""

    room = 0

    def write(self, content: Any) -> int:
        """Writes what still fits, as the system does."""
        left = self.room - self.tell()
        if left <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(memoryview(content).cast("B")[:left]) or 0


def filling(stream: io.BufferedRandom, room: int) -> io.BufferedRandom:
    """Returns an open file once more, with a buffer as usual, on a disk with so much room.

    Args:
        stream: Closed by this.
        room: Bytes.
    """
    raw = _Raw(os.dup(stream.fileno()), "r+")
    raw.room = room
    stream.close()
    return io.BufferedRandom(raw)
