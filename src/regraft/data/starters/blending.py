"""Makes pictures of another domain from grey digits: enlarged, and blended over photos."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from regraft.data.rows import Image

_SMALL, _LARGE = 8, 32


def enlarge(digits: npt.NDArray[np.int64]) -> Image:
    """Returns 8x8 digits at 32x32: bilinear, half-pixel centres, in integers only.

    Args:
        digits: (N, 8, 8), from 0 to 16.
    """
    weights = _weights()
    sums = weights @ digits @ weights.T
    return ((255 * sums + 512) // 1024).astype(np.uint8)


def _weights() -> npt.NDArray[np.int64]:
    """Returns (32, 8): what each input adds to each output, in eighths; edges are clamped."""
    weights = np.zeros((_LARGE, _SMALL), np.int64)
    for output in range(_LARGE):
        first, rest = divmod(2 * output - 3, _SMALL)
        weights[output, max(first, 0)] += _SMALL - rest
        weights[output, min(first + 1, _SMALL - 1)] += rest
    return weights


def blend(grey: Image, key: str, *, photos: Sequence[Image]) -> Image:
    """Returns (S, S, 3): how far a digit is from a piece of a photo, in each channel.

    The digest of a key says which photo and where, so that no random generator and no
    machine has a part in it.

    Args:
        grey: (S, S).
        key: Name of the set and number of the row.
        photos: (H, W, 3) each, neither side shorter than S.
    """
    digest = hashlib.sha256(key.encode("ascii")).digest()
    photo, side = photos[digest[0] % len(photos)], len(grey)
    height, width, _ = photo.shape
    top = int.from_bytes(digest[1:5], "big") % (height - side + 1)
    left = int.from_bytes(digest[5:9], "big") % (width - side + 1)
    piece = photo[top : top + side, left : left + side].astype(np.int16)
    return np.abs(piece - grey[:, :, None].astype(np.int16)).astype(np.uint8)
