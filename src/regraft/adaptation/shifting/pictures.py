"""Makes numbers of each picture that say how it was taken, not what it shows.

Source: none (regraft).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from regraft.data.reading.pictures import open_picture
from regraft.data.rows import Input

Floats = npt.NDArray[np.float64]
SIDE = 64
"""Pixels a side at which pictures of all sizes are compared."""
GREY = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in brightness (ITU-R BT.601)."""


def picture_numbers(inputs: Sequence[Input]) -> dict[str, Floats]:
    """Returns numbers of each of N pictures by name; all but the first two are in [0, 1].

    Args:
        inputs: Paths or pixels.

    Raises:
        DataError: If a picture cannot be decoded.
    """
    rows = [_numbers(source) for source in inputs]
    return {name: np.array([row[name] for row in rows], np.float64) for name in rows[0]}


def _numbers(source: Input) -> dict[str, float]:
    from PIL import Image

    picture = open_picture(source).convert("RGB")
    width, height = picture.size
    small = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    colours = np.asarray(small, np.float64) / 255
    grey = colours @ GREY
    return {
        "short side in pixels": float(min(width, height)),
        "width over height": width / height,
        "brightness": float(grey.mean()),
        "contrast": float(grey.std()),
        "saturation": saturation(colours),
        "edge energy": edge_energy(grey),
    }


def saturation(colours: Floats) -> float:
    """Returns the mean of (max − min) / max over the colours of a pixel, 0 for grey.

    Args:
        colours: (H, W, 3) in [0, 1].
    """
    most, least = colours.max(axis=2), colours.min(axis=2)
    return float(((most - least) / np.maximum(most, 1 / 255)).mean())


def edge_energy(grey: Floats) -> float:
    """Returns the mean length of the gradient, by differences of neighbours.

    Args:
        grey: (H, W) in [0, 1].
    """
    down, right = np.diff(grey, axis=0)[:, :-1], np.diff(grey, axis=1)[:-1]
    return float(np.hypot(down, right).mean())
