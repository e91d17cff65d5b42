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
    assert moving == [name for name in MOVING if name != "gaussian"]
    assert not {*features} & {*moving, *PREPARATIONS}
    assert "gaussian" in features
    assert asked(epochs=1.0)[1] == ["cdan", "mcc", "pseudo"]
    assert asked(method="coral_recolour", freeze=1) == (["source-only", "coral-recolour"], [])
    word = "dann:discriminator=rnn,position=2"
    assert asked(method=word, strategy="full") == (["source-only"], [word])


def test_virtual_rows_are_of_features_unless_a_position_is_named() -> None:
    assert asked(method="gaussian:around=1", epochs=1.0) == (
        ["source-only", "gaussian:around=1"],
        [],
    )
    word = "gaussian:around=1,position=2"
    assert asked(method=word, epochs=1.0) == (["source-only"], [word])
    behind = asked_of(AdaptSettings(method=f"fourier+{word}", epochs=1.0))
    assert behind.after == {"fourier": [word]}
    with pytest.raises(SettingsError, match="here gaussian reads features"):
        asked(method=word)
    with pytest.raises(SettingsError, match="gaussian:rounds=2 does not move it on"):
        asked(method="fourier+gaussian:rounds=2", epochs=1.0)


def test_a_plus_in_a_number_is_no_preparation_s() -> None:
    word = "dann:weight=1e+0"
    assert asked(method=word, epochs=1.0) == (["source-only"], [word])
    behind = asked_of(AdaptSettings(method=f"tapt:rate=1e+0,steps=5+{word}", epochs=1.0))
    assert behind.after == {"tapt:rate=1e+0,steps=5": [word]}
    features = ["source-only", "gaussian:prior=1e+2"]
    assert asked(method="gaussian:prior=1e+2", epochs=1.0) == (features, [])


def test_several_methods_are_each_tried_where_they_belong() -> None:
    words = "standardise,mcc,dann:hidden=8,weight=0.5,mcc"
    assert asked(method=words, freeze=1) == (
        ["source-only", "standardise"],
        ["mcc", "dann:hidden=8,weight=0.5"],
    )


def test_what_comes_before_the_labels_is_followed_by_what_moves_the_trunk_on() -> None:
    words = "tapt:steps=5+dann:hidden=8,fourier,tapt:steps=5,adabn+coral,mcc"
    found = asked_of(AdaptSettings(method=words, epochs=1.0))
    assert found.on_features == ["source-only", "adabn+coral"]
    assert found.moving == ["mcc"]
    behind = {"tapt:steps=5": ["dann:hidden=8", "source-only"], "fourier": ["source-only"]}
    assert found.after == behind
    assert found.following == ["dann:hidden=8"]
    assert (found.compared, found.alone) == (5, False)


def test_one_thing_is_alone_and_one_preparation_is_one() -> None:
    for word in ("tapt+mcc", "tapt", "mcc", "adabn"):
        assert asked_of(AdaptSettings(method=word, epochs=1.0)).alone, word
    twice = asked_of(AdaptSettings(method="tapt,tapt:steps=200+mcc", epochs=1.0))
    assert twice.after == {"tapt": ["source-only", "mcc"]}
    assert not twice.alone


@pytest.mark.parametrize("word", ["tapt+standardise", "tapt+nothing"])
def test_nothing_else_follows_it(word: str) -> None:
    with pytest.raises(SettingsError, match="does not move it on; expected one of cdan, "):
        asked(method=word, epochs=1.0)


def test_all_that_cannot_be_used_is_told_before_anything_is_read() -> None:
    words = "dann:weight=-1,tapt+mcc:heat=2,nothing,coral-recolour:ridge=0,mmd,"
    words += "gaussian:position=2,rounds=3"
    with pytest.raises(SettingsError, match="methods cannot be used") as caught:
        asked(method=words, epochs=1.0)
    told = str(caught.value)
    for found in ("dann:weight=-1.0", "heat", "no method 'nothing'", "ridge=0.0", "rounds"):
        assert found in told
    assert len(told.splitlines()) == 1 + 5
    with pytest.raises(SettingsError, match=r"discriminator=gru \(expected: one of auto, cnn"):
        asked(method="tapt+cdan:discriminator=gru", epochs=1.0)


def test_a_preparation_that_cannot_be_made_is_told() -> None:
    with pytest.raises(SettingsError, match="masked=2"):
        asked(method="tapt:masked=2+mcc", epochs=1.0)


@pytest.mark.parametrize(
    ("strategy", "why"),
    [
        ("auto", "no target label"),
        ("sequential", "another one"),
        ("two-stage+lora", "own layers"),
        ("head+lora", "own layers"),
    ],
)
def test_strategies_that_have_no_use_are_refused(strategy: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        asked(strategy=strategy)


@pytest.mark.parametrize("strategy", ["zero", "zero:by=means", "zero:by=names", "zero+norm-only"])
def test_class_means_that_no_method_would_be_held_to_are_refused(strategy: str) -> None:
    with pytest.raises(SettingsError, match="trains no classifier") as caught:
        asked(strategy=strategy)
    assert caught.value.hint == "--strategy head"


def test_a_head_that_has_seen_the_validation_rows_is_refused() -> None:
    with pytest.raises(SettingsError, match="rows of val that no head has seen") as caught:
        asked(strategy="head:refit=true")
    assert caught.value.hint == "--strategy head"
    assert asked(strategy="head:refit=false") == asked()


@pytest.mark.parametrize("modifier", ["average", "bias-only", "norm-only"])
def test_an_idle_modifier_of_the_head_moves_no_trunk(modifier: str) -> None:
    assert asked(strategy=f"head+{modifier}") == asked()


def test_misspelt_methods_are_told_as_on_a_frozen_trunk() -> None:
    with pytest.raises(SettingsError, match="no method 'dan'"):
        asked(method="dan", epochs=1.0)
