"""Numbers that are kept come back as they were, bit for bit."""

import numpy as np
import pytest
import torch

from regraft.features.numbers import numbers_of, stacked, tensor_of


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_numbers_come_back_as_they_were(dtype: torch.dtype) -> None:
    tensor = torch.randn(3, 5, generator=torch.Generator().manual_seed(1)).to(dtype)
    back = tensor_of(numbers_of(tensor), dtype)
    assert back.dtype == dtype
    assert torch.equal(back, tensor)


def test_short_rows_are_filled_up_with_noughts() -> None:
    rows = [np.ones((2, 3), np.float32), np.full((1, 3), 2, np.float32)]
    found = stacked(rows, 4)
    assert found.shape == (2, 4, 3)
    assert found.sum(axis=(1, 2)).tolist() == [6, 6]
    assert found[0, 2:].sum() == found[1, 1:].sum() == 0
