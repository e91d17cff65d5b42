"""Tests that the worked examples are settings that run, and that the writer of folders writes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from examples.cifar10_folders import write_folders
from regraft.data.load import load
from regraft.data.starters.models import MODELS
from regraft.runs.plan import run_plan
from regraft.settings import FitSettings
from regraft.strategies.table import make_strategy
from regraft.toml import read_toml
from regraft.training.progress import Silent
from tests import tiny
from tests.house.source import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))
CLASSES = ("cat", "dog")


@pytest.mark.parametrize("place", EXAMPLES, ids=lambda place: place.stem)
def test_an_example_holds_settings_alone_and_names_what_exists(place: Path) -> None:
    settings = FitSettings(**read_toml(place))
    make_strategy(settings.strategy)
    assert settings.backbone.removeprefix("starter:") in MODELS
    assert not Path(settings.data).is_absolute()


@pytest.mark.parametrize(("name", "kind"), [("imdb_bert", "text"), ("cifar10_vgg16", "image")])
def test_an_example_can_be_planned_on_data_of_one_s_own(
    name: str, kind: str, bert: Path, resnet: Path, tmp_path: Path
) -> None:
    if kind == "text":
        texts, labels = tiny.toy_texts(240)
        data = tiny.write_csv(tmp_path / "reviews.csv", {"text": texts, "label": labels})
    else:
        data = tiny.image_folders(tmp_path / "pictures", 240)
    toml = read_toml(ROOT / "examples" / f"{name}.toml")
    network = str(bert if kind == "text" else resnet)
    settings = FitSettings(**{**toml, "data": str(data), "backbone": network, "image_size": None})
    document = run_plan(settings, Silent())
    assert [phase["name"] for phase in document["phases"]] == ["head", "tune"]


def picture(label: int) -> Image.Image:
    return Image.fromarray(np.full((32, 32, 3), 40 + 90 * label, np.uint8))


def test_folders_are_written_as_regraft_reads_them(tmp_path: Path) -> None:
    for part, rows in (("train", 6), ("test", 4)):
        pairs = ((picture(row % 2), row % 2) for row in range(rows))
        assert write_folders(pairs, CLASSES, folder=tmp_path / "cifar10" / part) == rows
    dataset = load(str(tmp_path / "cifar10"), say=lambda line: None)
    assert dataset.classes == CLASSES
    assert {part: len(rows) for part, rows in dataset.parts.items()} == {
        "train": 6,
        "val": 0,
        "test": 4,
    }
    with pytest.raises(FileExistsError):
        write_folders([], CLASSES, folder=tmp_path / "cifar10" / "train")
