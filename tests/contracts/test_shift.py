"""The verdict of a shift: seldom where there is none, always where there is one."""

import random
from pathlib import Path

import pytest

from regraft import shift
from tests import tiny

SPLITS = 20
ALARMS = 2
"""Of 20 pairs without a shift; at a level of 1 % more than these are 1 case of 1,000."""


@pytest.mark.parametrize("kind", ["texts", "pictures"])
def test_halves_of_one_place_are_hardly_ever_called_a_shift(
    kind: str, bert: Path, resnet: Path
) -> None:
    texts, labels = tiny.toy_texts(160)
    rows, backbone = list(zip(texts, labels, strict=True)), bert
    if kind == "pictures":
        pixels, names = tiny.toy_pixels(160)
        rows, backbone = list(zip(pixels, names, strict=True)), resnet
    alarms = 0
    for split in range(SPLITS):
        mixed = random.Random(split).sample(rows, len(rows))
        first, second = mixed[:80], mixed[80:]
        result = shift(
            ([each for each, _ in first], [label for _, label in first]),
            [each for each, _ in second],
            backbone=str(backbone),
            seed=split,
        )
        alarms += result["verdict"] == "shift"
    assert alarms <= ALARMS


def test_other_texts_and_dimmer_pictures_are_called_a_shift(
    bert: Path, resnet: Path, tmp_path: Path
) -> None:
    texts = shift(tiny.toy_texts(160), tiny.texts_elsewhere(60)[0], backbone=str(bert))
    source = tiny.image_folders(tmp_path / "source", 80)
    target = tiny.dim_folders(tmp_path / "target", 60)
    pictures = shift(str(source), str(target), backbone=str(resnet))
    assert (texts["verdict"], pictures["verdict"]) == ("shift", "shift")
