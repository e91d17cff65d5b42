"""Settings of a shift: what `adapt` refuses is refused, and what it takes is handed on."""

from typing import Any

import pytest

from regraft.errors import SettingsError
from regraft.settings import AdaptSettings, ShiftOptions, ShiftSettings


def test_the_options_in_python_are_the_settings_except_the_data_and_the_file() -> None:
    assert {*ShiftOptions.__annotations__, "data", "target", "out"} == set(
        ShiftSettings.model_fields
    )


def test_every_setting_but_the_file_reaches_the_source_only_classifier() -> None:
    typed: dict[str, Any] = {
        "data": "s",
        "domain": "d",
        "from_domain": "a",
        "to_domain": "b",
        "seed": 3,
        "score_target": True,
        "image_size": 64,
        "class_weights": "balanced",
        "cache": False,
    }
    found = ShiftSettings(**typed).adapting()
    assert found == AdaptSettings(method="source-only", **typed)
    assert set(ShiftSettings.model_fields) - set(AdaptSettings.model_fields) == set()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"from_domain": "a"}, "need all of domain, from_domain and to_domain"),
        ({"cache": False, "check_cache": True}, "without the cache"),
        ({"seeed": 1}, "seeed is not a setting of shift; try seed"),
        ({"seed": -1}, "seed = -1 cannot be used"),
    ],
)
def test_settings_that_cannot_be_used(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        ShiftSettings(data="s", target="t", **values)
    assert sentence in str(caught.value)
