"""Settings of the verbs that make a run: what they share stands once."""

from typing import Any

import pytest

from regraft.errors import SettingsError
from regraft.freezing.threshold import Rule
from regraft.runs.adapting.record import fit_settings
from regraft.runs.fitting.sessions import rule_of
from regraft.settings import AdaptSettings, FitSettings, NewRunOptions, NewRunSettings


def test_the_options_of_python_are_the_settings_except_data_and_backbone() -> None:
    shared = set(NewRunSettings.model_fields)
    assert {*NewRunOptions.__annotations__, "data", "backbone"} == shared


@pytest.mark.parametrize("verb", [FitSettings, AdaptSettings])
def test_no_verb_defines_a_shared_setting_anew(verb: type[NewRunSettings]) -> None:
    assert not set(NewRunSettings.model_fields) & set(verb.__annotations__)


@pytest.mark.parametrize("verb", [FitSettings, AdaptSettings])
@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"freeze_threshold": "auto", "freeze_threshold_rule": "literal"}, "a number above 0"),
        ({"freeze_threshold": 1.5, "freeze_threshold_rule": "clock"}, "a number from 0 to 1"),
        ({"freeze_threshold_rule": "rested"}, "--freeze-threshold-rule rested"),
        ({"freeze_threshold_scope": "any"}, "--freeze-threshold-scope any"),
    ],
)
def test_a_threshold_is_that_of_its_rule_in_both_verbs(
    verb: type[NewRunSettings], values: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        verb(**values)
    assert words in str(caught.value)


def test_an_adaptation_freezes_by_the_rule_that_was_typed() -> None:
    words = {"freeze_threshold_rule": "outputs", "freeze_threshold_scope": "any"}
    fitted = fit_settings(AdaptSettings.model_validate({"freeze_threshold": 0.3, **words}))
    assert rule_of(fitted) == Rule(0.3, "outputs", prefix=False)
