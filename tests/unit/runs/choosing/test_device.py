"""Tests which device is taken, and that one that is not there is refused."""

import pytest
import torch

from regraft.errors import SettingsError
from regraft.runs.choosing.device import pick_device


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.mps, "is_available", lambda: False)
    assert pick_device("auto") == pick_device("cpu") == "cpu"
    for device in ("cuda", "cuda:1", "mps"):
        with pytest.raises(SettingsError, match="is not to be had here; try --device cpu"):
            pick_device(device)


def test_auto_takes_a_graphics_card_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert pick_device("auto") == "cuda"
    assert pick_device("cuda:1") == "cuda:1"
    with pytest.raises(SettingsError, match="'cuda:3' is not to be had here"):
        pick_device("cuda:3")


def test_auto_takes_mps_where_there_is_no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.mps, "is_available", lambda: True)
    assert pick_device("auto") == "mps"
