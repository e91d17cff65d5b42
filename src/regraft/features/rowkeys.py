"""Makes a key of each row's content: equal rows have equal keys, wherever they lie."""

import hashlib

import numpy as np
import numpy.typing as npt

from regraft.data.encode import Encoded
from regraft.data.texts import TokenRows

BYTES = 16
"""Of a key: two different rows in 10^12 share one with a chance of 10^-15."""
Keys = npt.NDArray[np.uint8]


def row_keys(rows: Encoded) -> Keys:
    """Returns (N, 16) BLAKE2b digests of the rows as the network is fed them.

    Args:
        rows: N texts as token numbers, or N images with what moves them.
    """
    found = np.empty((len(rows), BYTES), np.uint8)
    for number in range(len(rows)):
        digest = hashlib.blake2b(_content(rows, number), digest_size=BYTES).digest()
        found[number] = np.frombuffer(digest, np.uint8)
    return found


def _content(rows: Encoded, number: int) -> bytes:
    if isinstance(rows, TokenRows):
        return bytes(rows.tokens[rows.starts[number] : rows.starts[number + 1]].tobytes())
    moved = b"" if rows.moves is None else rows.moves[number].tobytes()
    pixels = rows.pixels[number]
    return bytes(repr(pixels.shape).encode() + pixels.tobytes() + moved)
