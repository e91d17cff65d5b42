"""Tests the loss on numbers worked by hand and against the formula written out."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from regraft.losses.cross_entropy import balanced_weights, cross_entropy

# Two rows of two logits: z_y − z_other is 2 in the first row and −1 in the second.
LOGITS = torch.tensor([[2.0, 0.0], [1.0, 0.0]])
LABELS = torch.tensor([0, 1])
FIRST, SECOND = math.log(1 + math.exp(-2)), math.log(1 + math.exp(1))


def test_four_logits_give_the_loss_worked_by_hand() -> None:
    assert float(cross_entropy(LOGITS, LABELS)) == pytest.approx((FIRST + SECOND) / 2)


def test_weights_make_the_weighted_mean_worked_by_hand() -> None:
    weights = torch.tensor([3.0, 1.0])
    found = float(cross_entropy(LOGITS, LABELS, weights=weights))
    assert found == pytest.approx((3 * FIRST + SECOND) / 4)


def test_the_loss_is_the_formula_written_out() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(9, 4, generator=generator)
    labels = torch.randint(0, 4, (9,), generator=generator)
    weights = torch.rand(4, generator=generator) + 0.1
    above = below = 0.0
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        softmax = math.exp(row[label]) / sum(math.exp(z) for z in row)
        above += -float(weights[label]) * math.log(softmax)
        below += float(weights[label])
    assert float(cross_entropy(logits, labels, weights=weights)) == pytest.approx(above / below)


def test_half_precision_logits_are_summed_in_fp32() -> None:
    loss = cross_entropy(LOGITS.to(torch.bfloat16), LABELS)
    assert loss.dtype == torch.float32
    assert float(loss) == pytest.approx((FIRST + SECOND) / 2)


def test_the_gradient_is_probability_minus_label() -> None:
    logits = LOGITS.clone().requires_grad_()
    cross_entropy(logits, LABELS).backward()
    wanted = (LOGITS.softmax(dim=1) - torch.eye(2)) / 2
    assert logits.grad is not None
    assert torch.allclose(logits.grad, wanted)


def test_balanced_weights_of_four_rows_are_those_worked_by_hand() -> None:
    assert balanced_weights(np.array([0, 0, 0, 1]), 2) == pytest.approx([4 / 6, 4 / 2])


def test_a_row_that_comes_several_times_counts_as_often() -> None:
    found = balanced_weights(np.array([0, 1]), 2, times=np.array([3.0, 1.0]))
    assert found == pytest.approx([4 / 6, 4 / 2])


def test_a_class_without_rows_weighs_nothing_and_takes_nothing_from_the_others() -> None:
    found = balanced_weights(np.array([0, 0, 0, 2]), 3)
    assert found == pytest.approx([4 / 6, 0, 4 / 2])


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60))
def test_weights_times_counts_add_up_to_the_rows(labels: list[int]) -> None:
    weights = balanced_weights(np.array(labels), 5)
    counts = np.bincount(labels, minlength=5)
    assert (weights * counts).sum() == pytest.approx(len(labels))
    shares = (weights * counts)[counts > 0]
    assert shares == pytest.approx(np.full(len(shares), shares[0]))
