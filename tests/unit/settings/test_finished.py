"""Settings of the verbs that use a finished run."""

from pathlib import Path
from typing import get_type_hints

import pytest

from regraft.errors import SettingsError
from regraft.settings import (
    EvaluateOptions,
    EvaluateSettings,
    PredictOptions,
    PredictSettings,
)


def test_predict_wants_a_run_and_something_to_read() -> None:
    with pytest.raises(SettingsError) as caught:
        PredictSettings.model_validate({})
    assert "predict misses run" in str(caught.value)
    assert "predict misses inputs" in str(caught.value)


def test_predict_refuses_a_suffix_that_it_cannot_write() -> None:
    with pytest.raises(SettingsError, match=r"ends in \.csv, \.jsonl or \.parquet"):
        PredictSettings(run=Path("r"), inputs=("x",), out=Path("x.xlsx"))


def test_evaluate_takes_paths_as_text() -> None:
    settings = EvaluateSettings.model_validate({"run": "r", "data": "d.csv"})
    assert settings.run == Path("r")


def test_python_has_an_option_for_each_setting_that_is_no_data_and_no_file() -> None:
    for options, settings, data in (
        (PredictOptions, PredictSettings, "inputs"),
        (EvaluateOptions, EvaluateSettings, "data"),
    ):
        assert {*get_type_hints(options), "run", "out", data} == set(settings.model_fields)
