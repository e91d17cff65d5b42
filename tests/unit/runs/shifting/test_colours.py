"""Tests that colours of the target which a grey source lacks are told, and nothing else is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from regraft import adapt, shift
from regraft.data.spec import ImageSpec
from regraft.runs.adapting.target import read_target
from regraft.runs.shifting.colours import UNUSED, with_colours_told
from tests import tiny
from tests.unit.runs.adapting.conftest import Prepare, nobody, prepared

__all__ = ["prepared"]
"""A fixture of the neighbours."""
COLOURED, GREY = (tiny.toy_pixels(60, grey=grey) for grey in (False, True))
Given = tuple[Any, list[str]]


def told(prepare: Prepare, source: Given, target: Any, **typed: Any) -> tuple[Any, list[str]]:
    """Returns the source after the target was looked at, and what was said then."""
    prepared = prepare(source=(list(source[0]), source[1]), **typed)
    rows = read_target(target, prepared, score=False, say=nobody)
    said: list[str] = []
    return with_colours_told(prepared, rows, say=said.append), said


def test_colours_beside_a_grey_source_are_said_and_kept_as_a_warning(
    prepared: Prepare, resnet: Path, tmp_path: Path
) -> None:
    for target in (list(COLOURED[0] // 2), str(tiny.dim_folders(tmp_path / "files", 40))):
        found, said = told(prepared, GREY, target, backbone=str(resnet))
        assert said == [f"warning: {UNUSED}"]
        assert UNUSED in found.dataset.warnings


@pytest.mark.parametrize(("source", "target"), [(COLOURED, COLOURED), (COLOURED, GREY)])
def test_where_the_source_has_colours_nothing_is_said(
    prepared: Prepare, resnet: Path, source: Given, target: Given
) -> None:
    assert not told(prepared, source, list(target[0] // 2), backbone=str(resnet))[1]


def test_of_a_grey_target_and_of_texts_nothing_is_said(prepared: Prepare, resnet: Path) -> None:
    assert not told(prepared, GREY, list(GREY[0] // 2), backbone=str(resnet))[1]
    texts, labels = tiny.toy_texts(60)
    assert not told(prepared, (texts, labels), tiny.texts_elsewhere(20)[0])[1]


def test_a_network_that_keeps_three_channels_sees_the_colours(
    prepared: Prepare, resnet: Path
) -> None:
    made = prepared(source=(list(GREY[0]), GREY[1]), backbone=str(resnet))
    rows = read_target(list(COLOURED[0] // 2), made, score=False, say=nobody)
    spec = made.backbone.spec
    assert isinstance(spec, ImageSpec)
    three = replace(made, backbone=replace(made.backbone, spec=replace(spec, channels=3)))
    assert with_colours_told(three, rows, say=pytest.fail) is three


def test_both_verbs_keep_the_warning_in_their_documents(resnet: Path, tmp_path: Path) -> None:
    source, target = (list(GREY[0]), GREY[1]), list(COLOURED[0] // 2)
    more: Any = {"method": "standardise", "baselines": False, "out": tmp_path / "run"}
    assert UNUSED in adapt(source, target=target, backbone=str(resnet), **more)["warnings"]
    assert UNUSED in shift(source, target, backbone=str(resnet))["warnings"]
