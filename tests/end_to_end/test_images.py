"""From a folder of images to a run, and its predictions."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests import tiny
from tests.end_to_end.conftest import Type


@pytest.fixture
def image_run(typed: Type, tiles: Path, resnet: Path, tmp_path: Path) -> Path:
    """A run on 60 images, few enough for folds."""
    words = ("fit", tiles, "--backbone", resnet, "--epochs", 1, "--freeze", 0, "--quiet")
    outcome = typed(*words, "--out", tmp_path / "run")
    assert outcome.code == 0, outcome.err
    return tmp_path / "run"


def test_few_images_are_fitted_scored_and_answered(
    typed: Type, image_run: Path, tiles: Path, tmp_path: Path
) -> None:
    result = json.loads((image_run / "result.json").read_text("utf-8"))
    assert result["data"]["rows"] == {"train": 54, "val": 0, "test": 6}
    assert result["scores"]["val"]["accuracy"]["value"] > 0.8
    broken = tiny.image_folders(tmp_path / "more", 4)
    (broken / "top" / "000.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    outcome = typed("predict", image_run, broken)
    found = list(csv.DictReader(io.StringIO(outcome.out)))
    assert outcome.code == 3
    assert [row["file"] for row in found if row["error"]] == ["top/000.png"]
    assert sum(bool(row["prediction"]) for row in found) == 3
    one = typed("predict", image_run, tiles / "top" / "000.png", "--json")
    assert json.loads(one.out)["rows"][0]["prediction"] == "top"


def test_grey_images_are_fitted_with_one_channel(typed: Type, resnet: Path, tmp_path: Path) -> None:
    data = tiny.image_folders(tmp_path / "greys", 40, grey=True)
    words = ("fit", data, "--backbone", resnet, "--strategy", "head", "--no-baselines")
    outcome = typed(*words, "--out", tmp_path / "run")
    assert outcome.code == 0, outcome.err
    assert "the stem's weights are summed over the colours" in outcome.err
    evaluated = json.loads(typed("evaluate", tmp_path / "run", data, "--json").out)
    assert evaluated["scores"]["test"]["accuracy"]["value"] > 0.8
