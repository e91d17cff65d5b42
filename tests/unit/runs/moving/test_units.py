"""Tests that a training which is done is read, and one that is not is trained."""

from pathlib import Path

import torch

from regraft.runs.moving.units import Units
from regraft.training.keeping.keeper import Kept


def kept(number: float) -> Kept:
    return Kept({"w": torch.tensor([number])}, {"number": number})


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    units, calls = Units(tmp_path / "checkpoints"), []

    def train() -> Kept:
        calls.append(1)
        return kept(len(calls))

    first, again = units.outcome("source", train), units.outcome("source", train)
    assert len(calls) == 1
    assert first.content == again.content == {"number": 1}
    assert torch.equal(first.tensors["w"], again.tensors["w"])
    assert units.outcome("method-0", train).content == {"number": 2}


def test_checkpoints_on_the_way_go_when_it_is_done(tmp_path: Path) -> None:
    units = Units(tmp_path / "checkpoints")

    def train() -> Kept:
        assert units.keeper("source").save(kept(0))
        return kept(1)

    units.outcome("source", train)
    assert units.keeper("source").latest() is None
    units.clear()
    assert not (tmp_path / "checkpoints").exists()
