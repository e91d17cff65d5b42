"""Tests how a head with hidden layers is trained on features."""

import pytest

from regraft.runs.choosing.alone import Alone, head_alone
from regraft.settings import FitSettings


def test_a_head_alone_takes_what_was_typed_and_has_its_own_usual_values() -> None:
    assert head_alone(FitSettings()) == Alone(20, 1e-3, 64)
    typed = FitSettings(epochs=3, lr=0.5, batch_size=8)
    assert head_alone(typed) == Alone(3, 0.5, 8)
    assert head_alone(typed, left_open=["epochs", "lr", "batch_size"]) == Alone(20, 1e-3, 64)
    assert head_alone(FitSettings(optimizer="sgd")).rate == pytest.approx(0.02)
