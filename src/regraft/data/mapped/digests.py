"""Numbers rows by digests of their content, so that equal rows have equal numbers."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from regraft.data.mapped.room import room_for, room_made

BYTES = 16
"""Of a digest."""
Digests = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]


def digests_of(made: Iterable[bytes], count: int) -> Digests:
    """Returns (N, 16) digests that are made one after the other.

    Args:
        made: N times 16 bytes; nothing stands for noughts.
        count: N.
    """
    coming = (digest or bytes(BYTES) for digest in made)

    def some(block: slice) -> Digests:
        content = b"".join(islice(coming, block.stop - block.start))
        return np.frombuffer(content, np.uint8).reshape(-1, BYTES)

    return room_made((count, BYTES), np.uint8, make=some)


def shortened(digests: Digests) -> npt.NDArray[np.uint64]:
    """Returns (N,) numbers made of the first half of each digest.

    Args:
        digests: (N, 16).
    """
    return _half(digests, 0)


def sorted_order(digests: Digests) -> Numbers:
    """Returns (N,) the rows in the order of their digests, byte by byte."""
    first = _half(digests, 0)
    order: Numbers = np.argsort(first, kind="stable")
    ordered = first[order]
    alike = np.flatnonzero(ordered[1:] == ordered[:-1])
    last = _half(digests, 1)
    if (last[order[alike]] == last[order[alike + 1]]).all():
        return order
    return np.lexsort((last, first))


def _half(digests: Digests, which: int) -> npt.NDArray[np.uint64]:
    """Returns the first or the last 8 bytes of each digest as numbers of the same order."""
    pairs = np.ascontiguousarray(digests).view(">u8")
    return pairs[:, which].astype(np.uint64)


@dataclass(frozen=True)
class Numbered:
    """Rows by content, the contents numbered in the order of their digests.

    Args:
        digests: (N, 16).
        numbers: (N,) the content of each row, from 0 to U − 1.
        firsts: (U,) a row of each content.
    """

    digests: Digests
    numbers: Numbers
    firsts: Numbers

    @property
    def count(self) -> int:
        """U, how many different contents there are."""
        return len(self.firsts)


def numbered(digests: Digests) -> Numbered:
    """Returns the rows by content.

    Args:
        digests: (N, 16).
    """
    order = sorted_order(digests)
    fresh = np.zeros(len(order), bool)
    fresh[:1] = True
    for which in range(2):
        ordered = _half(digests, which)[order]
        fresh[1:] |= ordered[1:] != ordered[:-1]
    numbers = room_for((len(order),), np.int64)
    numbers[order] = np.cumsum(fresh) - 1
    return Numbered(digests, numbers, order[fresh])
