"""Makes source images that have the light, colour and contrast of target images.

Source: Yang and Soatto 2020, "FDA: Fourier Domain Adaptation for Semantic Segmentation",
CVPR, equations 2 and 3, arXiv 2004.05498:
x^{s→t} = F⁻¹([M_β ∘ F^A(x^t) + (1 − M_β) ∘ F^A(x^s), F^P(x^s)]), with F^A the amplitude, F^P
the phase, and M_β 1 at the frequencies |h| ≤ βS, |w| ≤ βS, where S is the shorter side.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from torch import nn

from regraft.adaptation.preparation import Changed, Given
from regraft.data.encode import Encoded
from regraft.data.images import PixelRows
from regraft.data.spec import ImageSpec, InputSpec
from regraft.strategies.options import check_options

Pixels = npt.NDArray[np.uint8]
Picked = npt.NDArray[np.int64]
BLOCK = 64
"""Images that are transformed together: memory stays the same for any number of rows."""


@dataclass(frozen=True)
class Fourier:
    """Each source image takes the amplitudes of one target image, drawn at random.

    Args:
        beta: β, in [0, 0.5): at 0 the mean of each channel alone is taken over.
    """

    beta: float = 0.05

    first: ClassVar[bool] = True

    def __post_init__(self) -> None:
        fits = 0 <= self.beta < 0.5
        check_options("fourier", ("beta", self.beta, fits, "a number from 0 to below 0.5"))

    def refusal(self, trunk: nn.Module, spec: InputSpec) -> str:
        """Returns why it can do nothing for a network of texts."""
        return "" if isinstance(spec, ImageSpec) else "it changes images, and the data are texts"

    def prepare(self, given: Given) -> Changed:
        """Returns the source's images in the target's light; the network stays."""
        generator = np.random.default_rng(given.seed)
        train, val = (
            self._restyled(rows, given.target, generator) for rows in (given.train, given.val)
        )
        return Changed(train=train, val=val)

    def _restyled(
        self, rows: Encoded, target: Encoded, generator: np.random.Generator
    ) -> PixelRows:
        assert isinstance(rows, PixelRows), "texts are refused"
        assert isinstance(target, PixelRows), "both domains are of one modality"
        picked = generator.integers(len(target), size=len(rows))
        return PixelRows(
            restyled(rows.pixels, target.pixels, picked=picked, beta=self.beta), rows.spec
        )


def restyled(pixels: Pixels, target: Pixels, *, picked: Picked, beta: float) -> Pixels:
    """Returns (N, H, W, C) images with the low amplitudes of others.

    Args:
        pixels: (N, H, W, C).
        target: (L, H, W, C).
        picked: (N,) numbers of the target images.
        beta: Share of the shorter side, in [0, 0.5).
    """
    near = low_frequencies(*pixels.shape[1:3], beta=beta)[:, :, None]
    made = np.empty_like(pixels)
    for start in range(0, len(pixels), BLOCK):
        some = slice(start, start + BLOCK)
        own, other = (np.fft.fft2(x, axes=(1, 2)) for x in (pixels[some], target[picked[some]]))
        amplitude = np.where(near, np.abs(other), np.abs(own))
        back = np.fft.ifft2(amplitude * np.exp(1j * np.angle(own)), axes=(1, 2)).real
        made[some] = back.round().clip(0, 255)
    return made


def low_frequencies(height: int, width: int, *, beta: float) -> npt.NDArray[np.bool_]:
    """Returns (H, W) M_β in the order of the transform: the frequency 0 comes first.

    >>> low_frequencies(4, 4, beta=0.25).astype(int).tolist()
    [[1, 1, 0, 1], [1, 1, 0, 1], [0, 0, 0, 0], [1, 1, 0, 1]]
    """
    most = math.floor(beta * min(height, width))
    down, across = (np.minimum(np.arange(n), n - np.arange(n)) for n in (height, width))
    return np.asarray((down[:, None] <= most) & (across[None, :] <= most))
