"""Settings are checked once, all mistakes together, each in one sentence."""

from typing import Any

import pytest
from pydantic import ValidationError

from regraft.errors import SettingsError
from regraft.settings import AdaptSettings, FitSettings


def complaint(**values: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        FitSettings(**values)
    return str(caught.value)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        FitSettings().seed = 1  # type: ignore[misc]


def test_all_mistakes_are_told_at_once_each_on_its_line() -> None:
    lines = complaint(epochs=0, lr=-1.0, optimizer="adam").splitlines()
    assert lines[0] == "3 settings cannot be used:"
    assert [line.split()[0] for line in lines[1:]] == ["epochs", "lr", "optimizer"]


def test_a_single_mistake_says_what_was_given_expected_and_what_to_type() -> None:
    with pytest.raises(SettingsError) as caught:
        FitSettings(augment="flipcrop")  # type: ignore[arg-type]
    assert caught.value.given == "augment = 'flipcrop' cannot be used"
    assert caught.value.expected == "one of auto, crop, drop-tokens, flip-crop, none"
    assert caught.value.hint == "flip-crop"


def test_an_unknown_name_is_met_with_the_nearest_known_one() -> None:
    assert complaint(batchsize=3) == "batchsize is not a setting of fit; try batch_size"


@pytest.mark.parametrize(("name", "hint"), [("to", "to_domain"), ("from", "from_domain")])
def test_a_part_of_a_name_is_met_with_the_whole(name: str, hint: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is not a setting of adapt; try {hint}$"):
        AdaptSettings.model_validate({name: "x"})


def test_an_unknown_name_like_none_is_met_with_the_list() -> None:
    assert "expected one of arch, augment" in complaint(xyzzy=3)


def test_a_choice_that_may_be_left_out_is_met_with_the_choices() -> None:
    with pytest.raises(SettingsError) as caught:
        FitSettings(data="d.csv", preset="fastest")  # type: ignore[arg-type]
    assert str(caught.value) == (
        "preset = 'fastest' cannot be used; expected one of balanced, best, fast; try fast"
    )
