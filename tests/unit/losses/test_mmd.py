"""Tests the discrepancy on numbers worked by hand and against the formula written out."""

import math

import pytest
import torch

from regraft.losses.mmd import FACTORS, mmd


def test_four_numbers_give_the_discrepancy_worked_by_hand() -> None:
    # Within a domain all is equal, k = 1; across the squared distance is 1, of a mean of 8/12.
    source, target = torch.zeros(2, 1), torch.ones(2, 1)
    across = sum(math.exp(-1.5 / factor) for factor in FACTORS) / len(FACTORS)
    assert float(mmd(source, target)) == pytest.approx(2 - 2 * across, abs=1e-6)


def test_the_discrepancy_is_the_formula_written_out() -> None:
    generator = torch.Generator().manual_seed(0)
    source = torch.randn(5, 3, generator=generator)
    target = torch.randn(4, 3, generator=generator) + 1
    rows = [*source.tolist(), *target.tolist()]

    def square(x: list[float], y: list[float]) -> float:
        return sum((a - b) ** 2 for a, b in zip(x, y, strict=True))

    mean = sum(square(x, y) for x in rows for y in rows) / (9 * 8)

    def kernel(x: list[float], y: list[float]) -> float:
        return sum(math.exp(-square(x, y) / (f * mean)) for f in FACTORS) / len(FACTORS)

    first, second = rows[:5], rows[5:]
    expected = sum(kernel(x, y) for x in first for y in first) / 25
    expected += sum(kernel(x, y) for x in second for y in second) / 16
    expected -= 2 * sum(kernel(x, y) for x in first for y in second) / 20
    assert float(mmd(source, target)) == pytest.approx(expected, abs=1e-5)


def test_equal_samples_have_none_and_a_finite_gradient() -> None:
    rows = torch.ones(3, 2, requires_grad=True)
    loss = mmd(rows, torch.ones(3, 2))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0.0, abs=1e-6)
    assert rows.grad is not None
    assert bool(rows.grad.isfinite().all())
