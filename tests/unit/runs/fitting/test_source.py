"""Tests what of a source is trained on: never a row that the target is scored on."""

from pathlib import Path

import numpy as np
import pytest

from regraft.data.load import load
from regraft.data.spec import ImageSpec
from regraft.data.split import content_key
from regraft.errors import DataError, SettingsError
from regraft.runs.fit import run_fit
from regraft.runs.fitting.outcome import read_learnt
from regraft.runs.fitting.source import check_source, read_source
from regraft.settings import FitSettings
from regraft.strategies.table import make_strategy
from regraft.training.progress import Silent
from tests import tiny


def table(path: Path, texts: list[str], labels: list[str]) -> str:
    return str(tiny.write_csv(path, {"text": texts, "label": labels}))


@pytest.mark.parametrize(
    ("strategy", "source", "hint"),
    [("sequential", None, "--source DATA"), ("two-stage", "x.csv", "--strategy sequential")],
)
def test_a_source_and_its_strategy_need_each_other(
    strategy: str, source: str | None, hint: str
) -> None:
    settings = FitSettings(data="x", strategy=strategy, source=source)
    with pytest.raises(SettingsError, match=hint):
        check_source(settings, make_strategy(strategy))


@pytest.fixture
def texts(tmp_path: Path) -> tuple[str, str]:
    """Returns a target, and a source that holds its rows and others."""
    words, labels = tiny.toy_texts(240)
    others = [f"{text} again" for text in words]
    target = table(tmp_path / "target.csv", words, labels)
    return target, table(tmp_path / "source.csv", words + others, labels + labels)


def test_rows_that_the_target_is_scored_on_are_left_out(
    texts: tuple[str, str], bert: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    target = load(texts[0])
    backbone = tiny.model(bert).backbone
    source = read_source(texts[1], target, spec=backbone.spec, extent=16, say=said.append)
    scored = set(target.parts["val"].inputs) | set(target.parts["test"].inputs)
    assert source.classes == ()
    assert "that the target is scored on left out" in said[0]
    assert len(source.examples) <= 480 - len(scored)
    assert set(source.examples.labels.tolist()) == {0, 1}
    assert source.digests is not None
    assert len(source.digests) == len(source.examples)
    known = {each.tobytes() for each in source.digests}
    assert not known & {content_key(text) for text in scored}


def test_other_classes_come_behind_those_of_the_target(
    texts: tuple[str, str], bert: Path, tmp_path: Path
) -> None:
    words = [f"{text} here" for text in tiny.toy_texts(240)[0]]
    other = table(
        tmp_path / "other.csv", words, [("red", "green", "blue")[i % 3] for i in range(240)]
    )
    backbone = tiny.model(bert).backbone
    source = read_source(other, load(texts[0]), spec=backbone.spec, extent=16, say=print)
    assert sorted(source.classes) == ["blue", "green", "red"]
    assert np.unique(source.examples.labels).tolist() == [2, 3, 4]


def test_a_source_of_another_modality_is_refused(texts: tuple[str, str], tmp_path: Path) -> None:
    tiles = tiny.image_folders(tmp_path / "tiles", 40)
    spec = ImageSpec(16, (0.5,) * 3, (0.25,) * 3)
    with pytest.raises(DataError, match="holds images"):
        read_source(str(tiles), load(texts[0]), spec=spec, extent=16, say=print)


@pytest.mark.parametrize("own", [False, True])
def test_a_run_with_a_source_is_a_run(
    own: bool, texts: tuple[str, str], bert: Path, tmp_path: Path
) -> None:
    source = texts[1]
    if own:
        words = [f"{text} here" for text in tiny.toy_texts(240)[0]]
        source = table(tmp_path / "other.csv", words, ["a", "b", "c", "d"] * 60)
    settings = FitSettings(
        data=texts[0],
        backbone=str(bert),
        strategy="sequential:ratio=1",
        source=source,
        epochs=1,
        precision="fp32",
        baselines=False,
        out=tmp_path / "run",
    )
    result = run_fit(settings, Silent())
    assert [phase["name"] for phase in result["plan"]["phases"]] == ["head", "target", "mixed"]
    assert result["freezing"]["proof"]["holds"]
    assert len(result["classes"]) == 2
    learnt = read_learnt(tmp_path / "run")
    assert learnt is not None
    assert len(learnt) > sum(result["data"]["rows"][part] for part in ("train", "val"))


def test_a_source_of_which_no_row_is_left_is_refused(
    texts: tuple[str, str], bert: Path, tmp_path: Path
) -> None:
    target = load(texts[0])
    held = list(map(str, [*target.parts["val"].inputs, *target.parts["test"].inputs]))
    source = table(tmp_path / "held.csv", held, (["even", "odd"] * len(held))[: len(held)])
    spec = tiny.model(bert).backbone.spec
    with pytest.raises(DataError, match="is one that the target is scored on"):
        read_source(source, target, spec=spec, extent=16, say=print)
