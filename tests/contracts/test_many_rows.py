"""Rows that are too many for the memory give the same bytes as rows that lie in it."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regraft.data.mapped import room
from regraft.runs.fit import run_fit
from regraft.settings import FitSettings
from regraft.training import precision
from regraft.training.progress import Silent
from tests import tiny


@pytest.fixture
def table(tmp_path: Path) -> Path:
    texts, labels = tiny.toy_texts(330)
    path = tmp_path / "texts.parquet"
    pq.write_table(pa.table({"text": texts, "label": labels}), path)
    return path


def _kept(run: Path) -> tuple[bytes, dict[str, Any]]:
    """Returns the bytes of the weights and the predictions of a run."""
    weights = (run / "model" / "model.safetensors").read_bytes()
    return weights, pq.read_table(run / "predictions-test.parquet").to_pydict()


@pytest.mark.parametrize("strategy", ["head", "two-stage"])
def test_the_same_weights_and_predictions_come_of_mapped_rows(
    table: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strategy: str
) -> None:
    typed: dict[str, Any] = {"data": str(table), "backbone": str(bert), "strategy": strategy}
    typed |= {"precision": "fp32", "baselines": False, "epochs": 1, "lr": 5e-3}
    # One kind of attention: each of the two caches would have a verdict of its own.
    monkeypatch.setattr(precision, "has_attention", lambda trunk: False)
    for name, bytes_, rows in (("few", room.IN_MEMORY, room.BLOCK), ("many", 100, 16)):
        monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path / f"cache-{name}"))
        monkeypatch.setattr(room, "IN_MEMORY", bytes_)
        monkeypatch.setattr(room, "BLOCK", rows)
        run_fit(FitSettings(**typed, out=tmp_path / name), Silent())
    assert _kept(tmp_path / "many") == _kept(tmp_path / "few")
