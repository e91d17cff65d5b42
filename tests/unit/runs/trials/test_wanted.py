"""Tests what `auto` tries for the settings that were typed, and what trains it."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from regraft.backbones.modes import Mode
from regraft.errors import SettingsError
from regraft.runs.choosing.auto import Candidate
from regraft.runs.choosing.defaults import Choice
from regraft.runs.fitting.prepare import Prepared, prepare
from regraft.runs.fitting.record import run_toml
from regraft.runs.trials.wanted import alike, taken_up, wanted_by
from regraft.settings import FitSettings
from regraft.training.precision import Verdict
from tests import tiny


@pytest.fixture
def verdict() -> Verdict:
    """Everything in fp32, without a probe."""
    return Verdict(Mode(), Mode(), {}, "a processor")


def prepared(bert: Path, rows: int = 240, **typed: Any) -> Prepared:
    settings = FitSettings(backbone=str(bert), strategy="auto", **typed)
    return prepare(settings, tiny.toy_texts(rows), say=lambda line: None)


def words(made: Prepared) -> list[str]:
    return [each.words() for each in wanted_by(made)]


def test_the_usual_ones_are_tried(bert: Path) -> None:
    slow = "two-stage at 0.4 of the usual rate"
    assert words(prepared(bert)) == ["two-stage", slow, "layerwise"]
    assert words(prepared(bert, rows=30))[0] == "contrastive"


def test_where_a_rate_is_typed_nothing_is_tried_at_another(bert: Path) -> None:
    assert words(prepared(bert, lr=1e-3)) == ["two-stage", "layerwise"]


def test_where_a_freeze_is_typed_nothing_is_frozen_besides(bert: Path) -> None:
    settings = FitSettings(backbone=str(bert), preset="fast", freeze="1")
    made = prepare(settings, tiny.toy_texts(240), say=lambda line: None)
    assert words(made) == ["two-stage"]
    assert taken_up(made, wanted_by(made)[0]).phases[-1].line == 1


def test_what_a_preset_freezes_was_not_typed(bert: Path, verdict: Verdict) -> None:
    made = prepared(bert, preset="fast")
    taken = taken_up(made, wanted_by(made)[0])
    assert taken.phases[-1].line == 2
    assert taken.chosen.freeze == Choice("freeze", 2, "50 % of the blocks, by preset fast")
    written = tomllib.loads(run_toml(taken, verdict))
    assert "freeze" in written["left_open"]
    assert written["settings"]["freeze"] == "2"


def test_what_the_settings_cannot_have_is_not_tried(bert: Path) -> None:
    assert words(prepared(bert, rows=30, ema=0.9, lr=1e-3)) == ["two-stage", "layerwise"]


def test_the_usual_one_tells_what_is_wrong_with_the_settings(bert: Path) -> None:
    made = prepared(bert)
    made.settings.__dict__["freeze"] = "99"
    with pytest.raises(SettingsError):
        taken_up(made, wanted_by(made)[0])


def test_a_candidate_has_its_share_of_rate_and_passes(bert: Path) -> None:
    made = prepared(bert, epochs=4)
    whole, part = (taken_up(made, Candidate("two-stage", 0.4), share=share) for share in (1.0, 0.5))
    usual = taken_up(made, Candidate("two-stage"))
    assert whole.chosen.lr.value == pytest.approx(0.4 * usual.chosen.lr.value, rel=0.05)
    assert (whole.phases[-1].passes, part.phases[-1].passes) == (4, 2)


def test_an_average_is_tried_only_where_there_are_rows_to_choose_the_point_by(bert: Path) -> None:
    few, many = (words(prepared(bert, rows=rows, preset="best")) for rows in (60, 240))
    assert "two-stage+average" in many
    assert "two-stage+average" not in few
    assert "gradual" in few


def test_what_has_the_phases_of_an_earlier_one_trains_as_that_does(bert: Path) -> None:
    made = prepared(bert, epochs=4, preset="best")
    some = [Candidate("two-stage"), Candidate("two-stage", 0.4), Candidate("gradual")]
    # In one pass there is one stage, in which all blocks move.
    assert alike(made, some, share=0.25) == [*some[:2], some[0]]
    assert alike(made, some, share=0.5) == some
