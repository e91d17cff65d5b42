"""Makes a key of each row's content: equal rows have equal keys, wherever they lie."""

import hashlib

from regraft.data.encode import Encoded
from regraft.data.mapped.digests import BYTES, Digests, digests_of
from regraft.data.texts import TokenRows

Keys = Digests
"""(N, 16): two different rows in 10^12 share one with a chance of 10^-15."""


def row_keys(rows: Encoded) -> Keys:
    """Returns (N, 16) BLAKE2b digests of the rows as the network is fed them.

    Of texts the tokenizer's own numbers count, also where the token table was made smaller:
    which of its rows a run needs depends on all of its texts.

    Args:
        rows: N texts as token numbers, or N images with what moves them.
    """
    contents = (_content(rows, number) for number in range(len(rows)))
    made = (hashlib.blake2b(content, digest_size=BYTES).digest() for content in contents)
    return digests_of(made, len(rows))


def _content(rows: Encoded, number: int) -> bytes:
    if isinstance(rows, TokenRows):
        tokens = rows.tokens[rows.starts[number] : rows.starts[number + 1]]
        own = tokens if rows.originals is None else rows.originals[tokens].astype(tokens.dtype)
        return bytes(own.tobytes())
    moved = b"" if rows.moves is None else rows.moves[number].tobytes()
    pixels = rows.pixels[number]
    return bytes(repr(pixels.shape).encode() + pixels.tobytes() + moved)
