"""The verdict of a shift: seldom where there is none, always where there is one."""

from pathlib import Path

import numpy as np
import pytest

from regraft.adaptation.shifting.two_sample import Sample, two_sample
from regraft.data.encode import encode
from regraft.data.rows import Input, Modality, Origin, Rows
from regraft.features.pooled import pooled_features
from regraft.features.rowkeys import row_keys
from tests import tiny

SPLITS = 20
ALARMS = 2
"""Of 20 pairs without a shift; at a level of 1 % more than these are 1 case of 1,000."""
ROWS = 200


def inputs_of(kind: Modality, *, elsewhere: bool = False) -> list[Input]:
    if kind == "text":
        return list((tiny.texts_elsewhere if elsewhere else tiny.toy_texts)(ROWS)[0])
    pixels, _ = tiny.toy_pixels(ROWS)
    return list(pixels // 2 + 20 if elsewhere else pixels)


def sample_of(kind: Modality, folder: Path, inputs: list[Input]) -> Sample:
    """Returns what the frozen trunk makes of the inputs."""
    model = tiny.model(folder)
    none = np.zeros(len(inputs), np.int64)
    rows = Rows(kind, inputs, ("a", "b"), none, [Origin("made")] * len(inputs))
    encoded = encode(rows, model.backbone.spec, extent=model.extent)
    return Sample(pooled_features(model.network, encoded, mode=model.mode), row_keys(encoded))


@pytest.fixture(params=["text", "image"])
def place(request: pytest.FixtureRequest, bert: Path, resnet: Path) -> tuple[Modality, Path]:
    return request.param, bert if request.param == "text" else resnet


def test_halves_of_one_place_are_hardly_ever_called_a_shift(place: tuple[Modality, Path]) -> None:
    rows = sample_of(*place, inputs_of(place[0]))
    alarms = 0
    for split in range(SPLITS):
        mixed = np.random.default_rng(split).permutation(ROWS)
        halves = (rows.take(mixed[: ROWS // 2]), rows.take(mixed[ROWS // 2 :]))
        alarms += two_sample(*halves, seed=split).shift
    assert alarms <= ALARMS


def test_other_texts_and_dimmer_pictures_are_called_a_shift(place: tuple[Modality, Path]) -> None:
    here = sample_of(*place, inputs_of(place[0]))
    elsewhere = sample_of(*place, inputs_of(place[0], elsewhere=True))
    assert two_sample(here, elsewhere, seed=0).shift
