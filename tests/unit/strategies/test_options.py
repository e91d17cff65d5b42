"""Tests that options are read by their kind, and all that is wrong is told at once."""

from dataclasses import dataclass

import pytest

from regraft.errors import SettingsError
from regraft.strategies.options import check_options, made_with, options_of


@dataclass(frozen=True)
class Made:
    """Has one option of each kind."""

    rate: float = 0.5
    steps: int = 3
    way: str = "up"
    share: float | None = None
    last: bool = False


def test_words_become_values_of_their_kind() -> None:
    made = made_with(Made, "made", words="rate=1e-3, steps=7,way=down,share=0.25,last=Yes")
    assert made == Made(0.001, 7, "down", 0.25, True)
    assert made_with(Made, "made", words="") == Made()


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        made_with(Made, "made", words="rte=1,steps=many,rate=fast,last=maybe")
    told = str(caught.value)
    assert "made:rte (did you mean rate?)" in told
    assert "made:steps=many (expected: a whole number)" in told
    assert "made:rate=fast (expected: a number)" in told
    assert "made:last=maybe (expected: true or false)" in told


@dataclass(frozen=True)
class Bounded:
    """Has options with bounds of their own."""

    rate: float = 0.5
    steps: int = 3

    def __post_init__(self) -> None:
        check_options(
            "bounded",
            ("rate", self.rate, self.rate < 1, "a number below 1"),
            ("steps", self.steps, self.steps > 0, "a number above 0"),
        )


def test_what_is_out_of_bounds_is_told_beside_what_is_of_another_kind() -> None:
    with pytest.raises(SettingsError) as caught:
        made_with(Bounded, "bounded", words="rate=7,steps=many")
    assert str(caught.value) == (
        "these options cannot be used: bounded:steps=many (expected: a whole number); "
        "bounded:rate=7.0 (expected: a number below 1)"
    )
    with pytest.raises(SettingsError) as caught:
        Bounded(rate=7, steps=0)
    assert str(caught.value) == (
        "these options cannot be used: bounded:rate=7 (expected: a number below 1); "
        "bounded:steps=0 (expected: a number above 0)"
    )


def test_several_numbers_are_told_as_they_are_typed() -> None:
    with pytest.raises(SettingsError, match=r"bounded:shares=0\.1/2\.0 "):
        check_options("bounded", ("shares", (0.1, 2.0), False, "numbers below 1"))


def test_a_thing_without_options_says_so() -> None:
    with pytest.raises(SettingsError, match="made has no options"):
        made_with(dict, "made", words="rate=1")


def test_options_are_listed_with_their_usual_values() -> None:
    assert options_of(Made) == {"rate": 0.5, "steps": 3, "way": "up", "share": None, "last": False}


@dataclass(frozen=True)
class Outer:
    """Has options of its own, several numbers, and those of another one."""

    weight: float = 2.0
    shares: tuple[float, ...] = (0.1, 0.2)
    inner: Made = Made(steps=9)


def test_options_of_a_field_that_has_some_are_options_too() -> None:
    made = made_with(Outer, "outer", words="weight=1,rate=0.25")
    assert made == Outer(1.0, inner=Made(0.25, steps=9))
    assert options_of(Outer)["steps"] == 9
    assert "inner" not in options_of(Outer)
    with pytest.raises(SettingsError, match=r"outer:rte \(did you mean rate\?\)"):
        made_with(Outer, "outer", words="rte=1")


def test_several_numbers_have_a_stroke_between() -> None:
    assert made_with(Outer, "outer", words="shares=0.5/1").shares == (0.5, 1.0)
    with pytest.raises(SettingsError, match=r"shares=a/1 \(expected: a number, or several"):
        made_with(Outer, "outer", words="shares=a/1")


@pytest.mark.parametrize(
    ("word", "example"),
    [("7", "rate=7"), ("down", "way=down"), ("way", "way=up"), ("share", "share=VALUE")],
)
def test_a_word_without_a_value_is_answered_with_what_it_may_be(word: str, example: str) -> None:
    with pytest.raises(SettingsError) as caught:
        made_with(Made, "made", words=word)
    assert f"made:{word} (expected: option=value, such as made:{example})" in str(caught.value)
