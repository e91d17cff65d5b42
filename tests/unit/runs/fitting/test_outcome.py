import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image as Pil

from regraft.data.load import load
from regraft.data.mapped.digests import shortened
from regraft.data.rows import Modality, Origin, Rows
from regraft.errors import BackboneError, DamagedFileError, RegraftError
from regraft.reports.thumbnails import thumbnail
from regraft.runs.fitting import outcome as outcome_module
from regraft.runs.fitting.folder import RunFolder
from regraft.runs.fitting.outcome import (
    LONGEST,
    Outcome,
    ReadBackError,
    calibration,
    confusion,
    read_back,
    read_learnt,
    save_learnt,
    save_predictions,
    worst_mistakes,
)
from regraft.runs.fitting.prepare import Prepared
from regraft.serving.model import Answers, Model
from tests import tiny

PROBABILITIES = [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.95, 0.05]]
LABELS = [0, 0, 1, 1]
NETWORK = torch.nn.Identity()


def outcome(modality: Modality = "text", inputs: list[Any] | None = None) -> Outcome:
    """Returns two right answers and two wrong ones, the last the surest."""
    classes = ("no", "yes")
    origins = [Origin("a.csv", n) for n in range(2, 6)]
    rows = Rows(
        modality, inputs or ["a", "b", "c", "d"], classes, np.array(LABELS, np.int64), origins
    )
    model = cast(Model, SimpleNamespace(classes=classes))
    none = np.zeros(0, np.int64)
    answers = Answers(np.array(PROBABILITIES), ("",) * 4)
    return Outcome(model, np.zeros((0, 2)), none, rows, answers)


def prepared(name: str, library: str) -> Prepared:
    """Returns what is looked at where a model is read back."""
    chosen = SimpleNamespace(backbone=SimpleNamespace(value=name))
    architecture = SimpleNamespace(library=library)
    backbone = SimpleNamespace(architecture=architecture)
    return cast(Prepared, SimpleNamespace(chosen=chosen, backbone=backbone))


def test_predictions_are_written_row_by_row(tmp_path: Path) -> None:
    save_predictions(tmp_path / "p.parquet", outcome())
    table = pq.read_table(tmp_path / "p.parquet").to_pydict()
    assert table == {
        "origin": ["a.csv:2", "a.csv:3", "a.csv:4", "a.csv:5"],
        "label": ["no", "no", "yes", "yes"],
        "prediction": ["no", "yes", "yes", "no"],
        "confidence": [0.9, 0.8, 0.6, 0.95],
        "p_no": [0.9, 0.2, 0.4, 0.95],
        "p_yes": [0.1, 0.8, 0.6, 0.05],
    }
    assert [path.name for path in tmp_path.iterdir()] == ["p.parquet"]


def test_rows_of_train_and_val_are_known_again_and_others_are_not(tmp_path: Path) -> None:
    dataset = load(tiny.toy_texts(240))
    save_learnt(RunFolder(tmp_path), dataset)
    learnt = read_learnt(tmp_path)
    assert learnt is not None
    assert learnt.tolist() == sorted(learnt.tolist())
    known = {
        part: np.isin(shortened(cast(Any, rows.digests)), learnt).sum()
        for part, rows in dataset.parts.items()
    }
    assert known == {"train": 192, "val": 24, "test": 0}
    assert [path.name for path in tmp_path.iterdir()] == ["rows-learnt.parquet"]


def test_rows_of_other_data_that_were_learnt_from_are_known_again_too(tmp_path: Path) -> None:
    dataset = load(tiny.toy_texts(240))
    beside = cast(Any, dataset.parts["test"].digests)
    save_learnt(RunFolder(tmp_path), dataset, beside=beside)
    assert np.isin(shortened(beside), cast(Any, read_learnt(tmp_path))).all()


def test_a_run_from_before_has_no_list_of_rows(tmp_path: Path) -> None:
    assert read_learnt(tmp_path) is None


@pytest.mark.parametrize(
    ("name", "network", "loaded"),
    [
        ("minilm", None, []),
        ("starter:minilm", None, []),
        ("hf:me/mine", None, [None]),
        ("minilm", NETWORK, [NETWORK]),
    ],
)
def test_what_is_no_starter_is_read_back_with_the_network_that_was_given(
    name: str, network: Any, loaded: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(outcome_module, "load", lambda run, network: seen.append(network))
    library = "transformers" if network is None else "module"
    read_back(tmp_path, prepared(name, library), network=network)
    assert seen == loaded


@pytest.mark.parametrize("error", [BackboneError("it lacks 1"), DamagedFileError("it lacks 1")])
def test_a_model_that_cannot_be_read_back_says_what_to_change(
    error: RegraftError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(run: Path, network: Any) -> None:
        raise error

    monkeypatch.setattr(outcome_module, "load", refuse)
    with pytest.raises(ReadBackError, match=r"model cannot be read back \(it lacks 1\)") as caught:
        read_back(tmp_path, prepared("hf:me/mine", "transformers"), network=None)
    assert caught.value.hint == "another version of transformers, or another network"
    with pytest.raises(ReadBackError) as caught:
        read_back(tmp_path, prepared("Mine", "module"), network=NETWORK)
    assert caught.value.hint == "another network"
    assert caught.value.exit_code == 3


def test_mistakes_come_surest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert worst_mistakes(outcome()) == [
        {
            "origin": "a.csv:5",
            "text": "d",
            "label": "yes",
            "prediction": "no",
            "confidence": 0.95,
        },
        {
            "origin": "a.csv:3",
            "text": "b",
            "label": "no",
            "prediction": "yes",
            "confidence": 0.8,
        },
    ]
    monkeypatch.setattr(outcome_module, "WORST", 1)
    assert [mistake["origin"] for mistake in worst_mistakes(outcome())] == ["a.csv:5"]


def test_a_long_text_is_cut() -> None:
    shown = worst_mistakes(outcome(inputs=["x" * 2000] * 4))[0]["text"]
    assert shown == "x" * LONGEST + "…"


def test_an_image_is_shown_by_its_path_and_pixels_are_not_shown() -> None:
    pixels = np.zeros((4, 4), np.uint8)
    first, second = worst_mistakes(outcome("image", [pixels, pixels, pixels, "d.png"]))
    assert first["image"] == "d.png"
    assert "image" not in second
    assert "text" not in second


def test_the_picture_of_a_path_is_kept_for_reports_that_are_drawn_elsewhere(tmp_path: Path) -> None:
    place = tmp_path / "d.png"
    Pil.new("RGB", (4, 4), "red").save(place)
    first, _ = worst_mistakes(outcome("image", [str(place)] * 4))
    assert first["image"] == str(place)
    assert first["thumbnail"] == thumbnail(place) != ""


def test_an_encoded_image_is_shown_as_its_pixels_are() -> None:
    pixels, file = np.zeros((4, 4), np.uint8), io.BytesIO()
    Pil.fromarray(pixels).save(file, "PNG")
    first, second = worst_mistakes(outcome("image", [pixels, file.getvalue()] * 2))
    assert first["thumbnail"] == second["thumbnail"] != ""


def test_counts_stand_true_class_by_predicted_class() -> None:
    assert confusion(outcome()).tolist() == [[1, 1], [1, 1]]


def test_bins_hold_what_was_believed_and_what_was_right() -> None:
    found = calibration(outcome())
    assert [entry["rows"] for entry in found] == [1, 1, 1, 1]
    assert [entry["accuracy"] for entry in found] == [1, 0, 1, 0]
    assert [round(entry["confidence"], 2) for entry in found] == [0.6, 0.8, 0.9, 0.95]


def test_predictions_that_cannot_be_written_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[Path] = []
    monkeypatch.setattr(outcome_module, "settle", settled.append)
    save_predictions(tmp_path / "p.parquet", outcome())
    assert settled == [tmp_path / "p.parquet.tmp", tmp_path]

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outcome_module, "settle", full)
    with pytest.raises(OSError, match="No space left"):
        save_predictions(tmp_path / "q.parquet", outcome())
    assert [path.name for path in tmp_path.iterdir()] == ["p.parquet"]
