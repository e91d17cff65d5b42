"""Turns tensors into arrays that can be kept, bit for bit, and back."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Array = npt.NDArray[np.generic]
HALF = {torch.bfloat16: torch.int16, torch.float16: torch.int16}
"""Kinds of numbers that are kept as the integers of their bits: NumPy lacks the first."""


def numbers_of(tensor: Tensor) -> Array:
    """Returns a tensor as NumPy has it; half numbers as the integers of their bits."""
    kind = HALF.get(tensor.dtype)
    found: Array = (tensor if kind is None else tensor.view(kind)).cpu().numpy()
    return found


def tensor_of(numbers: Array, dtype: torch.dtype) -> Tensor:
    """Returns the tensor that `numbers_of` was given, its numbers copied.

    Args:
        numbers: As they were kept.
        dtype: Of half numbers, which are kept as integers; others tell their own.
    """
    tensor = torch.from_numpy(np.array(numbers))
    return tensor.view(dtype) if dtype in HALF and tensor.dtype == HALF[dtype] else tensor


def stacked(rows: Sequence[Array], length: int) -> Array:
    """Returns (B, length, *tail), short rows filled up with noughts.

    >>> stacked([np.array([1, 2]), np.array([3])], 2).tolist()
    [[1, 2], [3, 0]]
    """
    found = np.zeros((len(rows), length, *rows[0].shape[1:]), rows[0].dtype)
    for place, row in zip(found, rows, strict=True):
        place[: len(row)] = row
    return found
