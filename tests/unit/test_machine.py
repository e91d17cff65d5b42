"""Processors of one name and different kinds are told apart."""

from pathlib import Path

import pytest
import torch

from regraft.machine import card_name, device_name, processor_name


def test_the_processor_has_a_name(tmp_path: Path) -> None:
    assert processor_name()
    assert processor_name(tmp_path / "none")


@pytest.mark.parametrize(
    ("listing", "name"),
    [
        (
            "cpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n\nmodel\t: 1\n",
            "AMD EPYC (family 25, model 17)",
        ),
        ("model name\t: AMD EPYC\n", "AMD EPYC"),
        ("processor\t: 0\nCPU part\t: 0xd40\n", "(part 0xd40)"),
    ],
)
def test_processors_of_one_name_are_told_apart(listing: str, name: str, tmp_path: Path) -> None:
    place = tmp_path / "cpuinfo"
    place.write_text(listing, "utf-8")
    assert processor_name(place).endswith(name)


def test_a_processor_computes_on_its_own() -> None:
    assert card_name("cpu") == "cpu"
    assert device_name("cpu") == processor_name()


def test_graphics_cards_of_one_machine_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def name(device: torch.device) -> str:
        return f"card {device.index or 0}"

    assert card_name("mps") == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert card_name("cuda:1") == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", name)
    assert card_name("cuda") == "card 0"
    assert device_name("cuda:1") == f"card 1 beside {processor_name()}"
