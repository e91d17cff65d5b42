"""Makes pixels of one size, ready for batches, from images, and augments them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from regraft.data.mapped.room import room_for
from regraft.data.reading.pictures import on_all_cores, open_picture
from regraft.data.rows import Input
from regraft.data.spec import ImageSpec
from regraft.draws import draws

if TYPE_CHECKING:
    from PIL import Image as Pillow
    from torch import Tensor

Pixels = npt.NDArray[np.uint8]
Augment = Literal["none", "crop", "flip-crop"]
SHIFT = 0.125
"""Largest shift of an augmented image, as a share of its side (4 of 32 pixels)."""
LONGEST = 4
"""Largest ratio of the sides of an image that is resized whole."""
TOGETHER = 256
"""Images that are copied together."""


@dataclass(frozen=True)
class PixelRows:
    """N images at one size.

    Args:
        pixels: (N, H, W, C) bytes.
        spec: Statistics that the network wants.
        moves: (N, 3) of each image: flipped or not, shift down, shift right, in pixels;
            None where the images are taken as they are.
    """

    pixels: npt.NDArray[np.uint8]
    spec: ImageSpec
    moves: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(N,) the cost of each row in pixels of one side; equal for all."""
        return np.full(len(self), self.pixels.shape[1], np.int64)

    def take(self, indices: npt.NDArray[np.int64]) -> "PixelRows":
        """Returns new rows in the order of `indices`, (M,)."""
        moves = None if self.moves is None else self.moves[indices]
        few = len(indices) <= TOGETHER  # No file for each batch.
        pixels = self.pixels[indices] if few else _gathered([(self.pixels, indices)])
        return PixelRows(pixels, self.spec, moves)

    def joined(self, others: "PixelRows") -> "PixelRows":
        """Returns these rows with others of the same size behind them, none of them moved."""
        each = [self.pixels, others.pixels]
        return PixelRows(
            _gathered([(pixels, np.arange(len(pixels))) for pixels in each]), self.spec
        )

    def batch(self, indices: npt.NDArray[np.int64]) -> "dict[str, Tensor]":
        """Returns `pixels`, (B, C, H, W), normalised and channels-last in memory."""
        import torch

        picked = self.pixels[indices]
        if self.moves is not None:
            picked = np.stack(
                [_move(p, m) for p, m in zip(picked, self.moves[indices], strict=True)]
            )
        if self.spec.reversed_channels:
            picked = picked[..., ::-1].copy()
        pixels = torch.from_numpy(picked).permute(0, 3, 1, 2).to(torch.float32)
        mean = torch.tensor(self.spec.mean).view(1, -1, 1, 1) * self.spec.scale
        std = torch.tensor(self.spec.std).view(1, -1, 1, 1) * self.spec.scale
        return {"pixels": (pixels - mean) / std}

    def augmented(self, kind: Augment, seed: int, *, epoch: int) -> "PixelRows":
        """Returns the same images moved by a pure function of (seed, epoch, row)."""
        if kind == "none":
            return self
        generator = draws("pixels", seed, epoch=epoch)
        reach = int(self.pixels.shape[1] * SHIFT)
        shifts = generator.integers(-reach, reach + 1, size=(len(self), 2))
        flips = generator.integers(0, 2, size=(len(self), 1)) * (kind == "flip-crop")
        return PixelRows(self.pixels, self.spec, np.concatenate([flips, shifts], axis=1))


def encode_images(inputs: Sequence[Input], spec: ImageSpec, *, size: int) -> PixelRows:
    """Returns the images at `size` pixels a side.

    Images smaller than `size` are enlarged whole; larger ones lose the border that the
    network's own preprocessing crops.

    Args:
        inputs: N paths, encoded files or arrays of pixels.
        spec: Channels, interpolation and crop that the network wants.
        size: Side in pixels.

    Raises:
        DataError: If an image cannot be decoded.
        StorageError: If the disk says no.
    """
    pixels = room_for((len(inputs), size, size, spec.channels), np.uint8)
    fit = partial(fitted_pixels, spec=spec, size=size)
    for i, fitted in enumerate(on_all_cores(fit, inputs)):
        pixels[i] = fitted
    return PixelRows(pixels, spec)


def _gathered(parts: Sequence[tuple[Pixels, npt.NDArray[np.int64]]]) -> Pixels:
    """Returns images of several arrays, those of each at its indices, a few at a time.

    All at once would lie in memory beside those that are mapped.
    """
    count = sum(len(indices) for _, indices in parts)
    room, filled = room_for((count, *parts[0][0].shape[1:]), np.uint8), 0
    for pixels, indices in parts:
        for start in range(0, len(indices), TOGETHER):
            some = indices[start : start + TOGETHER]
            room[filled : filled + len(some)] = pixels[some]
            filled += len(some)
    return room


def fitted_pixels(source: Input, spec: ImageSpec, *, size: int) -> npt.NDArray[np.uint8]:
    """Returns (size, size, C) bytes of one image; arguments and errors as of `encode_images`."""
    largest = _short_side(spec, size)
    return fit_picture(open_picture(source, side=largest), spec, size=size)


def _short_side(spec: ImageSpec, size: int) -> int:
    """Returns the shorter side of a large image before it is cropped to `size`."""
    return round(size / spec.crop_ratio)


def fit_picture(picture: "Pillow.Image", spec: ImageSpec, *, size: int) -> npt.NDArray[np.uint8]:
    """Returns (size, size, C) bytes: resized by the short side, centre-cropped."""
    from PIL import Image as Pillow

    picture = _middle(picture)
    small = min(picture.size) <= size
    short = size if small else _short_side(spec, size)
    scale = short / min(picture.size)
    width, height = (max(short, round(side * scale)) for side in picture.size)
    kind = Pillow.Resampling[spec.interpolation.upper()]
    picture = picture.convert("L" if spec.channels == 1 else "RGB")
    resized = picture.resize((width, height), kind)
    left, top = (width - size) // 2, (height - size) // 2
    cropped = resized.crop((left, top, left + size, top + size))
    pixels: npt.NDArray[np.uint8] = np.asarray(cropped, np.uint8)
    return pixels.reshape(size, size, spec.channels)


def _middle(picture: "Pillow.Image") -> "Pillow.Image":
    """Returns the middle of a very long image.

    The crop would take its ends away anyhow, but only after a resize that may fill the memory.
    """
    most = LONGEST * min(picture.size)
    if max(picture.size) <= most:
        return picture
    width, height = (min(side, most) for side in picture.size)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def _move(pixels: npt.NDArray[np.uint8], move: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """Returns one image flipped and shifted, its border filled by the nearest pixel."""
    flip, down, right = move.tolist()
    side = pixels.shape[0]
    rows = np.clip(np.arange(side) + down, 0, side - 1)
    columns = np.clip(np.arange(side) + right, 0, side - 1)
    turned = pixels[:, ::-1] if flip else pixels
    moved: npt.NDArray[np.uint8] = turned[rows][:, columns]
    return moved
