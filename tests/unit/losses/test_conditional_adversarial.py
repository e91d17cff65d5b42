"""Tests the conditioning and the loss by hand and against the formulas written out."""

import math

import pytest
import torch

from regraft.losses.conditional_adversarial import (
    conditional_adversarial,
    entropy_weights,
    multilinear,
    random_multilinear,
)


def test_two_features_and_two_classes_make_four_products() -> None:
    found = multilinear(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.25, 0.75]]))
    assert found.tolist() == [[0.25, 0.5, 0.75, 1.5]]


def test_two_drawn_products_worked_by_hand() -> None:
    maps = (torch.tensor([[1.0, 2.0], [0.0, 1.0]]), torch.tensor([[1.0, -1.0], [3.0, 1.0]]))
    found = random_multilinear(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.25, 0.75]]), maps=maps)
    # R_f f = (1, 4); R_g g = (2.5, 0.5); d = 2
    assert found[0].tolist() == pytest.approx([2.5 / math.sqrt(2), 2.0 / math.sqrt(2)])


def test_weights_of_a_sure_and_an_unsure_row_are_two_and_one_and_a_half() -> None:
    found = entropy_weights(torch.tensor([[1.0, 0.0], [0.5, 0.5]]))
    assert found.tolist() == pytest.approx([2.0, 1.5])


def test_four_scores_give_the_loss_worked_by_hand() -> None:
    found = conditional_adversarial(
        torch.tensor([0.0, math.log(3)]),
        torch.tensor([0.0, -math.log(3)]),
        source_weights=torch.tensor([1.0, 3.0]),
        target_weights=torch.tensor([1.0, 1.0]),
    )
    first = (math.log(2) + 3 * math.log(4 / 3)) / 4
    second = (math.log(2) + math.log(4 / 3)) / 2
    assert float(found) == pytest.approx((first + second) / 2)


def test_the_loss_is_the_formula_written_out() -> None:
    generator = torch.Generator().manual_seed(1)
    scores = [torch.randn(6, generator=generator) for _ in range(2)]
    weights = [torch.rand(6, generator=generator) + 0.5 for _ in range(2)]
    found = conditional_adversarial(*scores, source_weights=weights[0], target_weights=weights[1])
    total = 0.0
    for sign, numbers, each in zip((1, -1), scores, weights, strict=True):
        above = sum(
            w * -math.log(1 / (1 + math.exp(-sign * s)))
            for w, s in zip(each.tolist(), numbers.tolist(), strict=True)
        )
        total += above / sum(each.tolist())
    # We differ by the half: equations 4 and 5 of the paper add the two domains.
    assert float(found) == pytest.approx(total / 2, abs=1e-5)


def test_no_gradient_flows_through_the_weights() -> None:
    known = torch.tensor([[0.3, 0.7]], requires_grad=True)
    assert not entropy_weights(known).requires_grad
