"""What images of the test part are like changes no weight and no choice."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from regraft.runs.fit import run_fit
from regraft.settings import FitSettings
from regraft.training.progress import Silent
from tests import tiny


@pytest.fixture(autouse=True)
def _one_penalty() -> None:
    """Tries all penalties, as a run does: images could choose among them."""


def fitted(folder: Path, resnet: Path, *, side: int, coloured: str) -> dict[str, Any]:
    """Returns the result of a fit on grey images, one part made large and coloured."""
    data = folder / "tiles"
    for part, rows in (("train", 40), ("test", 20)):
        tiny.image_folders(data / part, rows, grey=True)
    for number, path in enumerate(sorted((data / coloured).rglob("*.png"))):
        pixels = np.random.default_rng(number).integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    settings = FitSettings(
        data=str(data), out=folder / "run", backbone=str(resnet), strategy="head", baselines=False
    )
    return run_fit(settings, Silent())


def choices(result: dict[str, Any]) -> tuple[object, ...]:
    """Returns the digest of the saved weights, and all that was chosen."""
    saved = result["freezing"]["ledger"][-1]["digests"]["model.safetensors"]
    return saved, result["defaults"], result["best"], result["backbone"]


@pytest.mark.parametrize(("part", "same"), [("test", True), ("train", False)])
def test_other_test_images_change_no_weight_and_no_choice(
    tmp_path: Path, resnet: Path, part: str, same: bool
) -> None:
    plain = fitted(tmp_path / "plain", resnet, side=32, coloured="nowhere")
    other = fitted(tmp_path / "other", resnet, side=150, coloured=part)
    assert (choices(plain) == choices(other)) is same
