"""The test part touches nothing but the scores: its labels change no weight and no choice."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from regraft.runs.fit import run_fit
from regraft.settings import FitSettings
from regraft.training.progress import Silent
from tests.tiny import toy_texts, write_csv

# With 60 rows the epochs are chosen by folds, with 300 by a validation part.
every_path = pytest.mark.parametrize("rows", [60, 300])
TEST_EVERY = 5


@pytest.fixture(autouse=True)
def _one_penalty() -> None:
    """Tries all penalties, as a run does: labels could choose among them."""


def fitted(folder: Path, bert: Path, rows: int, turned: str = "") -> dict[str, Any]:
    """Returns the result of a fit with every sixth label of a part turned, all of one class."""
    texts, labels = toy_texts(rows)
    parts = ["test" if row % TEST_EVERY == 0 else "train" for row in range(rows)]
    other = {"pos": "neg", "neg": "pos"}
    labels = [
        other[label] if part == turned and row % 6 == 0 else label
        for row, (label, part) in enumerate(zip(labels, parts, strict=True))
    ]
    columns: dict[str, Sequence[str]] = {"text": texts, "label": labels, "split": parts}
    folder.mkdir(exist_ok=True)
    data = write_csv(folder / f"turned-{turned}.csv", columns)
    settings = FitSettings(
        data=str(data), out=folder / f"run-{turned}", backbone=str(bert), epochs=1
    )
    return run_fit(settings, Silent())


def weights(result: dict[str, Any]) -> str:
    """Returns the digest of the saved weights, the last entry of the ledger."""
    digest: str = result["freezing"]["ledger"][-1]["digests"]["model.safetensors"]
    return digest


@every_path
def test_labels_of_the_test_part_change_no_weight(tmp_path: Path, bert: Path, rows: int) -> None:
    plain, turned = (fitted(tmp_path, bert, rows, part) for part in ("", "test"))
    assert weights(turned) == weights(plain)
    assert turned["best"] == plain["best"]
    assert turned["scores"]["val"] == plain["scores"]["val"]
    losses = [[epoch["val_loss"] for epoch in found["history"]] for found in (plain, turned)]
    assert losses[0] == losses[1]
    # The labels were turned indeed.
    assert turned["confusion"] != plain["confusion"]


@every_path
def test_labels_of_the_training_part_do(tmp_path: Path, bert: Path, rows: int) -> None:
    plain, turned = (fitted(tmp_path, bert, rows, part) for part in ("", "train"))
    assert weights(turned) != weights(plain)


def test_few_rows_take_the_way_of_folds_and_many_that_of_a_part(tmp_path: Path, bert: Path) -> None:
    few, many = (fitted(tmp_path / str(rows), bert, rows) for rows in (60, 300))
    assert few["data"]["rows"]["val"] == 0
    assert many["data"]["rows"]["val"] > 0
