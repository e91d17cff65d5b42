"""Tests the cost of transport on numbers worked by hand and against the formula written out."""

import math

import pytest
import torch

from regraft.losses.joint_transport import joint_cost, transported


def test_four_numbers_give_the_cost_worked_by_hand() -> None:
    # Squared distances over D = 2: 1/2 and 4/2; equal logits cost ln 2 for either label.
    found = joint_cost(
        torch.tensor([[0.0, 0.0]]),
        torch.tensor([[1.0, 0.0], [0.0, 2.0]]),
        labels=torch.tensor([1]),
        target_logits=torch.zeros(2, 2),
        alpha=3.0,
        scale=10.0,
    )
    wanted = [[1.5 + 10 * math.log(2), 6 + 10 * math.log(2)]]
    assert found == pytest.approx(torch.tensor(wanted), abs=1e-5)


def test_the_cost_is_the_formula_written_out() -> None:
    generator = torch.Generator().manual_seed(0)
    source, target, logits = (torch.randn(4, 3, generator=generator) for _ in range(3))
    labels = torch.tensor([2, 0, 1, 2])
    found = joint_cost(source, target, labels=labels, target_logits=logits, alpha=0.5, scale=2.0)
    for i in range(4):
        for j in range(4):
            gap = sum(float(source[i, d] - target[j, d]) ** 2 for d in range(3)) / 3
            odds = [math.exp(float(z)) for z in logits[j]]
            loss = -math.log(odds[int(labels[i])] / sum(odds))
            assert float(found[i, j]) == pytest.approx(0.5 * gap + 2.0 * loss, abs=1e-5)


def test_the_plan_weighs_the_costs_and_has_no_gradient() -> None:
    cost = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    plan = torch.tensor([[0.0, 0.5], [0.5, 0.0]], requires_grad=True)
    loss = transported(cost, plan)
    loss.backward()
    assert float(loss.detach()) == 2.5
    assert cost.grad is not None
    assert torch.equal(cost.grad, plan.detach())
    assert plan.grad is None
