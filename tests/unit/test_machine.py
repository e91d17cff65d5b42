"""Processors of one name are told apart, and too little memory from other failures."""

import gc
import weakref
from pathlib import Path

import pytest
import torch

from regraft.machine import card_name, device_name, if_it_fits, out_of_memory, processor_name


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


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("a fake"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 5.00 GB)"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to"), True),
        (RuntimeError("shapes differ"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_too_little_memory_is_told_from_other_failures(error: Exception, expected: bool) -> None:
    assert out_of_memory(error) == expected


def test_what_fits_is_returned_and_other_failures_are_raised() -> None:
    assert if_it_fits(lambda: 3) == 3
    with pytest.raises(RuntimeError, match="mat1"):
        if_it_fits(lambda: torch.ones(2, 3) @ torch.ones(2, 3))


def test_what_did_not_fit_is_let_go_of() -> None:
    held: list[weakref.ref[torch.Tensor]] = []

    def work() -> None:
        tensor = torch.ones(3)
        held.append(weakref.ref(tensor))
        raise torch.OutOfMemoryError("a fake")

    gc.disable()  # nothing may wait for the collector
    try:
        assert if_it_fits(work) is None
        assert held[0]() is None
    finally:
        gc.enable()
