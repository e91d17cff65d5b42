"""Tests the loss on numbers worked by hand and against the formula written out."""

import math

import pytest
import torch

from regraft.losses.information import information

HALVES = torch.tensor([0.5, 0.5])


def test_four_logits_give_the_loss_worked_by_hand() -> None:
    # Predictions (3/4, 1/4) and (1/4, 3/4): their mean is as wished, so entropy is all.
    logits = torch.tensor([[math.log(3), 0.0], [0.0, math.log(3)]])
    expected = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert float(information(logits, proportions=HALVES)) == pytest.approx(expected)


def test_the_loss_is_the_formula_written_out() -> None:
    logits = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    wished = [0.5, 0.3, 0.2]
    spread = []
    for row in logits.tolist():
        above = [math.exp(z) for z in row]
        spread.append([a / sum(above) for a in above])
    entropy = sum(-sum(p * math.log(p) for p in row) for row in spread) / 6
    means = [sum(row[k] for row in spread) / 6 for k in range(3)]
    apart = sum(m * math.log(m / q) for m, q in zip(means, wished, strict=True))
    found = information(logits, proportions=torch.tensor(wished))
    assert float(found) == pytest.approx(entropy + apart, abs=1e-5)


def test_equal_proportions_are_the_paper_s_loss_up_to_a_constant() -> None:
    logits = torch.randn(5, 2, generator=torch.Generator().manual_seed(1))
    spread = torch.softmax(logits, dim=1)
    mean = spread.mean(0)
    paper = -(spread * spread.log()).sum(1).mean() + (mean * mean.log()).sum()
    found = information(logits, proportions=HALVES)
    assert float(found) == pytest.approx(float(paper) + math.log(2), abs=1e-5)


def test_predictions_that_underflow_have_a_finite_gradient() -> None:
    # Half of the rows are as sure as can be, and no row at all is of class 2.
    logits = torch.tensor([[200.0, 0.0, 0.0], [1.0, 0.0, -200.0]], requires_grad=True)
    proportions = torch.tensor([0.5, 0.3, 0.2])
    loss = information(logits, proportions=proportions)
    loss.backward()
    spread = torch.softmax(logits.detach(), dim=1)
    mean = spread.mean(0)
    entropy = -torch.special.xlogy(spread, spread).sum(1).mean()
    written = entropy + torch.special.xlogy(mean, mean / proportions).sum()
    assert float(loss.detach()) == pytest.approx(float(written), abs=1e-6)
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert logits.grad[1].abs().max() > 0.01
