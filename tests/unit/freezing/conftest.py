"""Stands for a device that tests do not have."""

import pytest
import torch


@pytest.fixture
def no_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands for a device without double numbers: only what left it may become such."""
    moved: list[torch.Tensor] = []
    real, double = torch.Tensor.cpu, torch.Tensor.double

    def cpu(tensor: torch.Tensor) -> torch.Tensor:
        moved.append(real(tensor))
        return moved[-1]

    def doubled(tensor: torch.Tensor) -> torch.Tensor:
        if not any(tensor is each for each in moved):
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")
        return double(tensor)

    monkeypatch.setattr(torch.Tensor, "cpu", cpu)
    monkeypatch.setattr(torch.Tensor, "double", doubled)
