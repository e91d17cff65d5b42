"""Everything that is asked of a comparison is checked before anything runs."""

from typing import Any

import pytest

from regraft.errors import SettingsError
from regraft.runs.comparing.settings import (
    ONLY_FIT,
    CompareSettings,
    own_hints,
    parted,
    split_names,
)
from regraft.settings import FitSettings


def asked(**values: Any) -> CompareSettings:
    return CompareSettings(**values)


def complaint(**values: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        asked(**values)
    return str(caught.value)


def test_words_of_the_command_line_become_names_and_numbers() -> None:
    found = asked(strategies=["head,two-stage", "full"], fractions="1, 0.1,0.3")
    assert found.names == ("head", "two-stage", "full")
    assert found.shares == (0.1, 0.3, 1.0)


def test_python_may_give_lists_or_words() -> None:
    assert asked(strategies="head, full").names == ("head", "full")
    assert asked(strategies=("head",), fractions=[0.5, 1]).fractions == (0.5, 1.0)


def test_hints_can_be_typed_after_compare() -> None:
    assert complaint(strategies="head,two-stge").endswith("try --strategies two-stage")
    with pytest.raises(SettingsError, match="try --lr 1"), own_hints():
        raise SettingsError("odd", hint="--lr 1")


def test_the_first_strategy_is_the_reference_unless_another_is_named() -> None:
    assert asked(strategies="head,full").reference == "head"
    found = asked(strategies="head,full", against="full")
    assert (found.reference, found.names) == ("full", ("head", "full"))


def test_a_reference_that_was_not_listed_is_trained_too() -> None:
    assert asked(strategies="two-stage", against="head").names == ("head", "two-stage")


def test_seeds_are_counted_from_the_shared_one() -> None:
    assert list(asked(seeds=3, shared=FitSettings(seed=5)).numbers) == [5, 6, 7]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"strategies": "head,two-stag"}, "no strategy 'two-stag'"),
        ({"strategies": "head", "against": "hed"}, "no strategy 'hed'"),
        ({"strategies": ","}, "strategies = [] cannot be used; expected names of strategies"),
        ({"strategies": 3}, "strategies = 3 cannot be used"),
        ({"strategies": "head,full,head"}, "strategies has head twice"),
        ({"fractions": "0.5,0.5"}, "fractions has 0.5 twice"),
        ({"fractions": "0"}, "fractions = 0.0 cannot be used; expected numbers above 0, at most 1"),
        ({"fractions": "0.5,2"}, "fractions = 2.0 cannot be used"),
        ({"fractions": "half"}, "fractions = 'half' cannot be used"),
        ({"fractions": ()}, "fractions = () cannot be used"),
        ({"seeds": 0}, "seeds = 0 cannot be used; expected a whole number from 1 to 1000"),
        ({"seeds": 10**12}, "expected a whole number from 1 to 1000"),
        (
            {"seeds": 3, "shared": FitSettings(seed=2**32 - 2)},
            "seeds = 3 cannot be used from seed = 4294967294 on; expected none above 4294967295",
        ),
    ],
)
def test_what_cannot_be_used_is_told(values: dict[str, Any], words: str) -> None:
    assert words in complaint(**values)


def test_options_are_parted_into_own_and_shared() -> None:
    own, shared = parted({"seeds": 2, "epochs": 3.0, "out": "o", "backbone": "b"})
    assert own == {"seeds": 2, "out": "o"}
    assert shared == {"epochs": 3.0, "backbone": "b"}


@pytest.mark.parametrize(("name", "hint"), [("strategy", "strategies"), ("fractionz", "fractions")])
def test_a_name_that_is_no_setting_of_compare_is_told(name: str, hint: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is not a setting of compare; try {hint}"):
        parted({name: 1})


def test_what_only_fit_has_is_a_setting_of_fit() -> None:
    assert set(FitSettings.model_fields) >= ONLY_FIT


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["head", "full"], ["head", "full"]),
        (["two-stage+lora,head+bias-only"], ["two-stage+lora", "head+bias-only"]),
        (["head:a=1,b=2,full"], ["head:a=1,b=2", "full"]),
        (["pack.mod:Mine,head"], ["pack.mod:Mine", "head"]),
        (["head:a=1", "b=2"], ["head:a=1", "b=2"]),
        (["head,,full,"], ["head", "full"]),
    ],
)
def test_commas_part_names_and_not_their_options(words: list[str], names: list[str]) -> None:
    assert split_names(words) == names
