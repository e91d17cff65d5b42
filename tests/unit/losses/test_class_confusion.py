"""Tests the confusion on numbers worked by hand and against the formula written out."""

import math

import pytest
import torch

from regraft.losses.class_confusion import TEMPERATURE, class_confusion


def test_four_logits_give_the_confusion_worked_by_hand() -> None:
    # Predictions (3/4, 1/4) and (1/4, 3/4): equal weights, C = [[10, 6], [6, 10]] / 16.
    logits = torch.tensor([[math.log(3), 0.0], [0.0, math.log(3)]])
    assert float(class_confusion(logits, temperature=1.0)) == pytest.approx(6 / 16)


def test_the_confusion_is_the_formula_written_out() -> None:
    logits = 3 * torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    count, classes = logits.shape
    spread = []
    for row in logits.tolist():
        above = [math.exp(z / TEMPERATURE) for z in row]
        spread.append([a / sum(above) for a in above])
    certain = [1 + math.exp(sum(p * math.log(p) for p in row)) for row in spread]
    weights = [count * c / sum(certain) for c in certain]
    loss = 0.0
    for j in range(classes):
        pairs = [
            sum(w * row[j] * row[k] for w, row in zip(weights, spread, strict=True))
            for k in range(classes)
        ]
        loss += sum(pairs[k] for k in range(classes) if k != j) / sum(pairs)
    assert float(class_confusion(logits)) == pytest.approx(loss / classes, abs=1e-5)


def test_sure_predictions_confuse_nothing() -> None:
    logits = torch.tensor([[900.0, 0.0], [0.0, 900.0]])
    assert float(class_confusion(logits)) == pytest.approx(0.0, abs=1e-6)


def test_a_class_without_any_probability_is_confused_with_none() -> None:
    logits = torch.tensor([[1e4, 0.0], [1e4, 0.0]], requires_grad=True)
    loss = class_confusion(logits)
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
