"""Seconds are estimated from the probe's batch: more rows take longer."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from regraft.backbones.modes import Mode
from regraft.data.rows import Part
from regraft.runs.choosing.budget import (
    CLASSIC,
    OF_BYTE,
    OF_CLASS,
    PROBE_TOKENS,
    PROBED,
    SAVING,
    SLOWER,
    USUAL,
    batches,
    closing_seconds,
    pass_seconds,
    spared,
    tell_room,
)
from regraft.runs.fitting.prepare import Prepared, prepare
from regraft.settings import FitSettings
from regraft.training.precision import Verdict
from tests import tiny

TIMED = Verdict(Mode(), Mode(), {"training/fp32/sdpa": 3.0, "inference/fp32/sdpa": 2.0}, "a chip")


def prepared(bert: Path, **typed: Any) -> Prepared:
    settings = FitSettings(backbone=str(bert), **typed)
    return prepare(settings, tiny.toy_texts(240), say=lambda line: None)


def test_batches_are_counted_in_tokens(bert: Path) -> None:
    made = prepared(bert)
    tokens = made.encoded["train"].lengths.sum()
    assert batches(made, "train") == pytest.approx(tokens / PROBE_TOKENS)
    known = batches(made, "train") + batches(made, "val")
    rows = sum(len(rows) for rows in made.encoded.values())
    test = len(made.dataset.parts["test"])
    assert batches(made, "test") == pytest.approx(known * test / rows)


def test_what_follows_training_is_test_baselines_saving_and_reading_back(bert: Path) -> None:
    made = replace(prepared(bert, baselines=False), reading=0.5)
    test = SLOWER * batches(made, "test") * 2.0
    assert pass_seconds(made, TIMED, part="test") == pytest.approx(test)
    back = OF_BYTE * sum(weight.nbytes for weight in made.network.parameters())
    end = test + 0.5 * len(made.dataset.parts["test"]) + back + SAVING
    assert closing_seconds(made, TIMED) == pytest.approx(end)
    assert closing_seconds(made, TIMED, ending=9.0) == pytest.approx(end - SAVING + 9)
    compared = replace(prepared(bert), reading=0.5)
    assert closing_seconds(compared, TIMED) == pytest.approx(end + 240 * (CLASSIC + PROBED))


def test_a_starter_is_not_read_back(bert: Path) -> None:
    made = prepared(bert)
    backbone = replace(made.chosen.backbone, value="starter:minilm")
    starter = replace(made, chosen=replace(made.chosen, backbone=backbone))
    assert closing_seconds(starter, TIMED) < closing_seconds(made, TIMED)


def test_the_classic_of_pictures_decodes_them_all_once_more(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = replace(prepared(bert), reading=0.5)

    def beside_the_pass() -> float:
        return closing_seconds(made, TIMED) - pass_seconds(made, TIMED, part="test")

    plain = beside_the_pass()
    monkeypatch.setattr(type(made.dataset), "modality", "image")
    assert beside_the_pass() == pytest.approx(plain + 0.5 * 240)


def test_many_classes_take_the_baselines_longer(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = prepared(bert)
    few = closing_seconds(made, TIMED)
    monkeypatch.setattr(type(made.dataset), "classes", ("a",) * (USUAL + 1000))
    assert closing_seconds(made, TIMED) - few == pytest.approx(240 * 1000 * OF_CLASS)
    alone = replace(made, settings=made.settings.model_copy(update={"baselines": False}))
    assert closing_seconds(alone, TIMED) < few


def test_baselines_are_left_out_where_classes_make_them_dear(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, told = prepared(bert, max_seconds=1e4), list[str]()
    monkeypatch.setattr(type(made.dataset), "classes", ("a",) * 10_000_000)
    assert not spared(made, TIMED, say=told.append).settings.baselines
    assert told[0].startswith("max_seconds = 10000: 10,000,000 classes take them about 14400 s")


def test_reading_is_timed_row_by_row(bert: Path) -> None:
    assert 0 < prepared(bert).reading < 1


def test_baselines_are_left_out_where_a_pass_takes_a_third_of_the_time(bert: Path) -> None:
    made, told = prepared(bert), list[str]()
    parts: tuple[Part, ...] = ("train", "val", "test")
    seconds = sum(pass_seconds(made, TIMED, part=part) for part in parts)

    def baselines(limit: float | None) -> bool:
        limited = made.settings.model_copy(update={"max_seconds": limit})
        return spared(replace(made, settings=limited), TIMED, say=told.append).settings.baselines

    assert baselines(None)
    assert baselines(3.1 * seconds)
    assert told == []
    assert not baselines(2.9 * seconds)
    assert "the classic and the linear probe are left out" in told[0]


@pytest.mark.parametrize(
    ("rows", "steps", "times"), [(240, True, 13), (240, False, 1), (40, True, 1)]
)
def test_a_disk_with_less_room_than_a_run_may_want_is_told(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, steps: bool, times: int
) -> None:
    settings = FitSettings(backbone=str(bert))
    made = prepare(settings, tiny.toy_texts(rows), say=lambda line: None)
    wanted = times * sum(weight.nbytes for weight in made.network.parameters())
    told: list[str] = []
    for free in (wanted, wanted - 1):
        monkeypatch.setattr("shutil.disk_usage", lambda place, n=free: SimpleNamespace(free=n))
        tell_room(made, tmp_path, say=told.append, steps=steps)
    (line,) = told
    assert line.startswith(f"warning: the disk of {tmp_path} has ")
    assert line.endswith(f"may take {wanted / 1e6:,.1f} MB")


def test_a_disk_that_does_not_tell_its_room_stops_nothing(bert: Path, tmp_path: Path) -> None:
    told: list[str] = []
    tell_room(prepared(bert), tmp_path / "gone", say=told.append, steps=True)
    assert told == []
