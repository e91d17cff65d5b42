"""Tests that a network is opened for the data it can read, and fed as was typed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regraft.backbones.open import open_backbone
from regraft.data.load import load
from regraft.data.rows import Dataset
from regraft.data.spec import Cut, TextSpec
from regraft.errors import BackboneError, SettingsError
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


@pytest.mark.parametrize(
    ("kind", "typed", "said"),
    [
        ("text", {"image_size": 64}, "image_size = 64 is not for texts; try no --image-size"),
        ("image", {"max_length": 64}, "max_length = 64 is not for images; try no --max-length"),
        ("image", {"cut": "middle"}, "cut = 'middle' is not for images; try no --cut"),
    ],
)
def test_what_is_for_rows_of_the_other_kind_is_refused_but_where_a_run_is_repeated(
    bert: Path, resnet: Path, kind: str, typed: dict[str, Any], said: str
) -> None:
    named, source = (bert, tiny.toy_texts(40)) if kind == "text" else (resnet, tiny.toy_pixels(40))
    rows = load(source, say=nobody)
    with pytest.raises(SettingsError, match=f"^{said}$"):
        open_for(str(named), FitSettings(**typed), dataset=rows, say=nobody)
    settings = FitSettings(**typed)
    assert open_for(str(named), settings, dataset=rows, say=nobody, held=set(typed)).name


def test_what_is_cut_off_is_told(bert: Path, dataset: Dataset) -> None:
    settings = FitSettings(cut="middle", max_length=8)
    backbone = open_for(str(bert), settings, dataset=dataset, say=nobody)
    lengths = text_lengths(dataset, backbone)
    assert len(lengths) == len(dataset.parts["train"])
    chosen = choose(settings, dataset, backbone=backbone, lengths=lengths)
    told = explained(dataset, backbone, chosen=chosen, lengths=np.full(10, 9))
    assert any("cuts 100.0% of the texts: their middle is not read" in line for line in told)


def test_a_network_that_answers_by_what_stands_beside_a_text_is_not_opened(
    bert: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = open_backbone(str(bert))
    whole = type(backbone.network).forward

    def blind(self: Any, *, input_ids: Any, attention_mask: Any) -> Any:
        return whole(self, input_ids=input_ids)

    monkeypatch.setattr(type(backbone.network), "forward", blind)
    with pytest.raises(BackboneError, match="passes the attention mask over"):
        open_for(backbone, FitSettings(), dataset=dataset, say=nobody)
