"""Makes small pictures as data URIs from image files or arrays of pixels."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from regraft.data.reading.pictures import open_picture
from regraft.errors import DataError, StorageError

SIDE = 112
_SAFE = re.compile(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/]+={0,2}")


def thumbnail(image: Path | bytes | npt.NDArray[np.uint8]) -> str:
    """Returns an image as a data URI no larger than `SIDE`, or "" where it cannot be read.

    Args:
        image: A file of an allowed format, such a file's bytes, or pixels, (H, W) grey or
            (H, W, C).
    """
    try:
        if isinstance(image, np.ndarray):
            return _uri(_shrunk(Image.fromarray(image)))
        if isinstance(image, bytes):
            return _from_file(image)
        return _from_file(image) if image.is_file() else ""  # a pipe would never end
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        # Pillow tells of broken files in all of these; a report does without the picture.
        return ""


def is_safe(uri: str) -> bool:
    """Says whether a text is a data URI as this module makes them."""
    return _SAFE.fullmatch(uri) is not None


def _from_file(file: Path | bytes) -> str:
    """Returns a file's picture as the network saw it: upright, on white, 16 bits scaled."""
    try:
        return _uri(_shrunk(open_picture(file, side=SIDE)))
    except (DataError, StorageError):
        return ""


def _shrunk(image: Image.Image) -> Image.Image:
    coloured = image.convert("RGB")
    side = max(coloured.size)
    if side > SIDE:
        coloured.thumbnail((SIDE, SIDE))
        return coloured
    # Tiny images such as digits of 8 x 8 pixels: blow up, and show the pixels as they are.
    factor = max(1, SIDE // side)
    size = (coloured.width * factor, coloured.height * factor)
    return coloured.resize(size, Image.Resampling.NEAREST)


def _uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
