"""Makes tensors-to-be from rows: the one door from `Rows` to `Encoded`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
import numpy.typing as npt

from regraft.data.images import PixelRows, encode_images
from regraft.data.rows import Rows
from regraft.data.spec import InputSpec, TextSpec
from regraft.data.texts import TokenRows, encode_texts

if TYPE_CHECKING:
    from torch import Tensor

Encoded = TokenRows | PixelRows


def texts_of(rows: Rows) -> Sequence[str]:
    """Returns the inputs of rows that are texts."""
    return cast("Sequence[str]", rows.inputs)


class Batches(Protocol):
    """Rows that can be fed to a network, N of them."""

    def __len__(self) -> int: ...

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(N,) relative cost of each row."""

    def batch(self, indices: npt.NDArray[np.int64]) -> "dict[str, Tensor]":
        """Returns the tensors of the rows at `indices`, (B,)."""


def encode(rows: Rows, spec: InputSpec, *, extent: int) -> Encoded:
    """Returns the rows as a network with this spec wants them.

    Args:
        rows: N texts or N images.
        spec: What the network is fed.
        extent: Most tokens of a text, or side of an image in pixels.

    Raises:
        DataError: If an image cannot be decoded.
    """
    if isinstance(spec, TextSpec):
        return encode_texts(texts_of(rows), spec, max_length=extent)
    return encode_images(rows.inputs, spec, size=extent)
