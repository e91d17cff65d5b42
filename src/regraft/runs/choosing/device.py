"""Decides on which device a network runs."""

import torch

from regraft.errors import SettingsError


def pick_device(device: str) -> str:
    """Returns the device that was typed, or the best one here.

    Raises:
        SettingsError: If the device is not to be had.
    """
    here = {"cuda": torch.cuda.device_count(), "mps": int(torch.mps.is_available()), "cpu": 1}
    if device == "auto":
        return next(kind for kind, count in here.items() if count)
    kind, _, number = device.partition(":")
    if int(number or 0) >= here[kind]:
        raise SettingsError(f"device {device!r} is not to be had here", hint="--device cpu")
    return device
