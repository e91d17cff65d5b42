"""Tests which methods read features and which move the trunk."""

from typing import Any

import pytest

from regraft.adaptation.moving import MOVING
from regraft.adaptation.table import METHODS
from regraft.errors import SettingsError
from regraft.runs.moving.asked import asked_of
from regraft.settings import AdaptSettings


def asked(**typed: Any) -> tuple[list[str], list[str]]:
    found = asked_of(AdaptSettings(**typed))
    return found.on_features, found.moving


def test_on_a_frozen_trunk_all_methods_read_features() -> None:
    assert asked() == (list(METHODS), [])
    assert asked(method="dann") == (["source-only", "dann"], [])
    assert asked(preset="fast") == (list(METHODS), [])


def test_where_the_trunk_moves_those_that_can_move_it_on() -> None:
    features, moving = asked(preset="best")
    assert features[0] == "source-only"
    assert not {*features} & {*MOVING}
    assert moving == list(MOVING)
    assert asked(epochs=1.0)[1] == ["cdan", "mcc", "pseudo"]
    assert asked(method="coral_recolour", freeze=1) == (["source-only", "coral-recolour"], [])
    word = "dann:discriminator=rnn,position=2"
    assert asked(method=word, strategy="full") == (["source-only"], [word])


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
