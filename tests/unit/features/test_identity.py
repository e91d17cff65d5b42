"""What changes a feature besides weights and rows is in the words, and nothing else."""

import pytest
import torch
from torch import nn

from regraft.features.identity import code_words, machine_words


@pytest.mark.parametrize("layer", [nn.Dropout, nn.Dropout2d, nn.AlphaDropout])
def test_what_is_dropped_in_training_makes_no_other_words(layer: type[nn.Module]) -> None:
    def trunk(share: float, slope: float = 0.1) -> nn.Module:
        return nn.Sequential(nn.Linear(2, 2), nn.LeakyReLU(slope), layer(share))

    assert code_words(trunk(0.0)) == code_words(trunk(0.5))
    assert code_words(trunk(0.0, 0.2)) != code_words(trunk(0.0))
    assert layer.__name__ in code_words(trunk(0.0))


def test_how_products_are_rounded_makes_other_words() -> None:
    before = torch.get_float32_matmul_precision()
    words = machine_words("cpu")
    try:
        torch.set_float32_matmul_precision("medium")
        assert machine_words("cpu") != words
    finally:
        torch.set_float32_matmul_precision(before)
    assert machine_words("cpu") == words
