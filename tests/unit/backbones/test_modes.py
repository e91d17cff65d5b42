"""Tests that a mode sets the precision of what runs inside it, and nothing afterwards."""

import pytest
import torch

from regraft.backbones.modes import DTYPES, Mode, Precision

LEFT = torch.ones(2, 2)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_matrix_products_take_the_precision_of_the_mode(precision: Precision) -> None:
    with Mode(precision).running():
        assert (LEFT @ LEFT).dtype == DTYPES[precision]
    assert (LEFT @ LEFT).dtype == torch.float32


def test_a_device_with_a_number_is_one_of_its_kind() -> None:
    with Mode("bf16", device="cpu:0").running():
        assert (LEFT @ LEFT).dtype == torch.bfloat16
