"""Settings of the verbs that use a finished run."""

from pathlib import Path

import pytest

from regraft.errors import SettingsError
from regraft.settings import EvaluateSettings, PredictSettings


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
