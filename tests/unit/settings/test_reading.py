"""Settings of the verbs that read labelled data and a network: what they share stands once."""

import pytest

from regraft.errors import SettingsError
from regraft.settings import AdaptSettings, FitSettings, ShiftSettings
from regraft.settings.reading import ReadingOptions, ReadingSettings

VERBS = [FitSettings, AdaptSettings, ShiftSettings]


def test_the_options_of_python_are_the_settings_except_data_and_backbone() -> None:
    shared = set(ReadingSettings.model_fields)
    assert {*ReadingOptions.__annotations__, "data", "backbone"} == shared


@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_defines_a_shared_setting_anew(verb: type[ReadingSettings]) -> None:
    assert not set(ReadingSettings.model_fields) & set(verb.__annotations__)


@pytest.mark.parametrize("verb", VERBS)
def test_a_check_of_a_cache_that_is_off_is_refused(verb: type[ReadingSettings]) -> None:
    with pytest.raises(SettingsError, match="check_cache cannot be used without the cache"):
        verb(cache=False, check_cache=True)
