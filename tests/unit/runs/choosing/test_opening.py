"""Tests that a network is opened for the data it can read, and fed as was typed."""

from pathlib import Path

import numpy as np
import pytest

from regraft.data.load import load
from regraft.data.rows import Dataset
from regraft.data.spec import Cut, TextSpec
from regraft.errors import BackboneError
from regraft.runs.choosing.defaults import choose
from regraft.runs.choosing.opening import explained, open_for, text_lengths
from regraft.settings import FitSettings
from tests import tiny


def nobody(line: str) -> None:
    """Hears nothing."""


@pytest.fixture
def dataset() -> Dataset:
    """Toy texts."""
    return load(tiny.toy_texts(40), say=nobody)


@pytest.mark.parametrize("cut", ["end", "middle"])
def test_texts_are_cut_where_that_was_typed(bert: Path, dataset: Dataset, cut: Cut) -> None:
    found = open_for(str(bert), FitSettings(cut=cut), dataset=dataset, say=nobody)
    assert isinstance(found.spec, TextSpec)
    assert found.spec.cut == cut


def test_a_network_that_reads_something_else_is_refused(resnet: Path, dataset: Dataset) -> None:
    with pytest.raises(BackboneError, match="reads images, and the data are texts"):
        open_for(str(resnet), FitSettings(), dataset=dataset, say=nobody)


def test_what_is_cut_off_is_told(bert: Path, dataset: Dataset) -> None:
    settings = FitSettings(cut="middle", max_length=8)
    backbone = open_for(str(bert), settings, dataset=dataset, say=nobody)
    lengths = text_lengths(dataset, backbone)
    assert len(lengths) == len(dataset.parts["train"])
    chosen = choose(settings, dataset, backbone=backbone, lengths=lengths)
    told = explained(dataset, backbone, chosen=chosen, lengths=np.full(10, 9))
    assert any("cuts 100.0% of the texts: their middle is not read" in line for line in told)
