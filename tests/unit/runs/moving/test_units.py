"""Tests that a training which is done is read, and one that is not is trained."""

from pathlib import Path

import numpy as np
import pytest
import torch

from regraft.errors import DataError
from regraft.runs.moving.units import Units
from regraft.training.keeping.keeper import Kept


def kept(number: float) -> Kept:
    return Kept({"w": torch.tensor([number])}, {"number": number})


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    units, calls = Units(tmp_path / "checkpoints", "these rows"), []

    def train() -> Kept:
        calls.append(1)
        return kept(len(calls))

    first, again = units.outcome("source", train), units.outcome("source", train)
    assert len(calls) == 1
    assert first.content == again.content == {"number": 1, "rows": "these rows"}
    assert torch.equal(first.tensors["w"], again.tensors["w"])
    assert units.outcome("method-0", train).content["number"] == 2


def test_what_was_done_on_other_rows_is_refused(tmp_path: Path) -> None:
    Units(tmp_path / "checkpoints", "these rows").outcome("source", lambda: kept(1))
    with pytest.raises(DataError, match="not those that the run was started with"):
        Units(tmp_path / "checkpoints", "others").outcome("source", lambda: kept(2))


def test_rows_are_drawn_once(tmp_path: Path) -> None:
    units = Units(tmp_path / "checkpoints", "these rows")
    drawn = units.rows("labelled", lambda: np.array([4, 0, 2]))
    assert drawn.tolist() == [4, 0, 2]
    assert units.rows("labelled", lambda: np.array([1, 1, 1])).tolist() == [4, 0, 2]


def test_checkpoints_on_the_way_go_when_it_is_done(tmp_path: Path) -> None:
    units = Units(tmp_path / "checkpoints", "these rows")

    def train() -> Kept:
        assert units.keeper("source").save(kept(0))
        return kept(1)

    units.outcome("source", train)
    assert units.keeper("source").latest() is None
    units.clear()
    assert not (tmp_path / "checkpoints").exists()


def test_what_is_damaged_is_told_and_done_once_more(tmp_path: Path) -> None:
    told: list[str] = []
    units = Units(tmp_path / "checkpoints", "these rows", say=told.append)
    units.outcome("source", lambda: kept(1))
    (tmp_path / "checkpoints" / "source-done" / "000001.safetensors").write_bytes(b"")
    assert units.outcome("source", lambda: kept(2)).content["number"] == 2
    assert "000001.json is damaged" in told[0]
    assert told[1:] == ["what source came to is not whole: it is done once more"]
