"""Settings of the verbs that make a run: what they share stands once."""

import pytest

from regraft.settings import AdaptSettings, FitSettings, NewRunOptions, NewRunSettings


def test_the_options_of_python_are_the_settings_except_data_and_backbone() -> None:
    shared = set(NewRunSettings.model_fields)
    assert {*NewRunOptions.__annotations__, "data", "backbone"} == shared


@pytest.mark.parametrize("verb", [FitSettings, AdaptSettings])
def test_no_verb_defines_a_shared_setting_anew(verb: type[NewRunSettings]) -> None:
    assert not set(NewRunSettings.model_fields) & set(verb.__annotations__)
