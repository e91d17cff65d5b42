"""Tests which methods read features and which move the trunk."""

from typing import Any

import pytest

from regraft.adaptation.moving import MOVING
from regraft.adaptation.table import PREPARATIONS, methods_asked
from regraft.errors import SettingsError
from regraft.runs.moving.asked import asked_of
from regraft.settings import AdaptSettings


def asked(**typed: Any) -> tuple[list[str], list[str]]:
    found = asked_of(AdaptSettings(**typed))
    return found.on_features, found.moving


def test_on_a_frozen_trunk_all_methods_read_features() -> None:
    assert asked() == (methods_asked("auto"), [])
    assert asked(method="dann") == (["source-only", "dann"], [])
    assert asked(preset="fast") == (methods_asked("auto"), [])


def test_where_the_trunk_moves_those_that_can_move_it_on() -> None:
    features, moving = asked(preset="best")
    assert features[0] == "source-only"
    assert not {*features} & {*MOVING, *PREPARATIONS}
    assert moving == list(MOVING)
    assert asked(epochs=1.0)[1] == ["cdan", "mcc", "pseudo"]
    assert asked(method="coral_recolour", freeze=1) == (["source-only", "coral-recolour"], [])
    word = "dann:discriminator=rnn,position=2"
    assert asked(method=word, strategy="full") == (["source-only"], [word])


def test_several_methods_are_each_tried_where_they_belong() -> None:
    words = "standardise,mcc,dann:hidden=8,weight=0.5,mcc"
    assert asked(method=words, freeze=1) == (
        ["source-only", "standardise"],
        ["mcc", "dann:hidden=8,weight=0.5"],
    )


@pytest.mark.parametrize("word", ["adabn", "fourier+mcc"])
def test_what_changes_the_trunk_as_it_came_is_refused_where_the_trunk_moves(word: str) -> None:
    with pytest.raises(SettingsError, match="cannot be used where the trunk moves"):
        asked(method=word, epochs=1.0)


@pytest.mark.parametrize(
    ("strategy", "why"),
    [("auto", "no target label"), ("sequential", "another one"), ("two-stage+lora", "own layers")],
)
def test_strategies_that_have_no_use_are_refused(strategy: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        asked(strategy=strategy)


def test_misspelt_methods_are_told_as_on_a_frozen_trunk() -> None:
    with pytest.raises(SettingsError, match="no method 'dan'"):
        asked(method="dan", epochs=1.0)
