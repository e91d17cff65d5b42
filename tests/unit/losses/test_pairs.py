"""Tests the loss of pairs by hand, and against the definition written slowly."""

import math

import pytest
import torch
from torch.nn import functional

from regraft.losses.pairs import pair_loss


def test_four_numbers_by_hand() -> None:
    # Angles 0, 60 and 90 degrees: cosines 1/2 (one class), 0 and sqrt(3)/2 (two classes).
    features = torch.tensor([[2.0, 0.0], [1.0, math.sqrt(3)], [0.0, 3.0]])
    same, other = (0.5 - 1) ** 2, (0.0**2 + 0.75) / 2
    found = pair_loss(features, torch.tensor([0, 0, 1]))
    assert found.item() == pytest.approx((same + other) / 2)


def test_it_is_the_definition_written_slowly() -> None:
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(9, 5, generator=generator)
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0, 0, 1])
    errors: dict[bool, list[float]] = {True: [], False: []}
    for i in range(9):
        for j in range(i + 1, 9):
            cosine = functional.cosine_similarity(features[i], features[j], dim=0).item()
            same = bool(labels[i] == labels[j])
            errors[same].append((cosine - same) ** 2)
    expected = sum(sum(each) / len(each) for each in errors.values()) / 2
    assert pair_loss(features, labels).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("labels", "expected"), [([0, 0], 0.25), ([0, 1], 0.25)])
def test_one_kind_of_pairs_alone_counts_whole(labels: list[int], expected: float) -> None:
    features = torch.tensor([[1.0, 0.0], [1.0, math.sqrt(3)]])
    assert pair_loss(features, torch.tensor(labels)).item() == pytest.approx(expected)


def test_a_batch_without_pairs_gives_nothing_and_a_gradient() -> None:
    features = torch.ones(1, 3, requires_grad=True)
    loss = pair_loss(features, torch.tensor([0]))
    loss.backward()
    assert loss.item() == 0
    assert features.grad is not None
