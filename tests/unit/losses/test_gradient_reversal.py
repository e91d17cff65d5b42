"""Tests that a value stays and its gradient is turned around."""

import math

import pytest
import torch

from regraft.losses.gradient_reversal import adversarial_strength, reverse_gradient


def test_four_values_stay_and_their_gradients_are_turned_by_hand() -> None:
    values = torch.tensor([1.0, -2.0, 0.5, 3.0], requires_grad=True)
    found = reverse_gradient(values, 0.25)
    assert found.tolist() == pytest.approx([1.0, -2.0, 0.5, 3.0])
    (found * torch.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == pytest.approx([-0.25, -0.5, -0.75, -1.0])


def test_no_strength_stops_the_gradient() -> None:
    values = torch.ones(2, requires_grad=True)
    reverse_gradient(values, 0.0).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("progress", [0.0, 0.1, 0.5, 1.0])
def test_the_strength_is_the_formula_written_out(progress: float) -> None:
    expected = 2.0 / (1.0 + math.exp(-10.0 * progress)) - 1.0
    assert adversarial_strength(progress) == pytest.approx(expected)
