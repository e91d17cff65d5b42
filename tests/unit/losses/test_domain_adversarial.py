"""Tests the loss on numbers worked by hand and against the formula written out."""

import math

import pytest
import torch

from regraft.losses.domain_adversarial import domain_adversarial


def test_four_scores_give_the_loss_worked_by_hand() -> None:
    # σ(0) = 1/2 and σ(log 3) = 3/4: log 2 and log 4/3 in each domain.
    source = torch.tensor([0.0, math.log(3)])
    target = torch.tensor([0.0, -math.log(3)])
    expected = (math.log(2) + math.log(4 / 3)) / 2
    assert float(domain_adversarial(source, target)) == pytest.approx(expected)


def test_the_loss_is_the_formula_written_out() -> None:
    generator = torch.Generator().manual_seed(0)
    source, target = torch.randn(7, generator=generator), torch.randn(5, generator=generator)
    first = sum(-math.log(1 / (1 + math.exp(-s))) for s in source.tolist()) / 7
    second = sum(-math.log(1 - 1 / (1 + math.exp(-t))) for t in target.tolist()) / 5
    # We differ by the half: equations 9 and 10 of the paper add the two means.
    expected = (first + second) / 2
    assert float(domain_adversarial(source, target)) == pytest.approx(expected, abs=1e-5)


def test_large_scores_stay_finite() -> None:
    assert float(domain_adversarial(torch.tensor([-500.0]), torch.tensor([500.0]))) == 500.0
