"""Settings are checked once, all mistakes together, each in one sentence."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from regraft.errors import SettingsError
from regraft.settings import (
    EvaluateSettings,
    FitOptions,
    FitSettings,
    PredictSettings,
)


def complaint(**values: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        FitSettings(**values)
    return str(caught.value)


def test_the_options_of_python_are_the_settings_except_the_data() -> None:
    assert {*FitOptions.__annotations__, "data"} == set(FitSettings.model_fields)


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


def test_an_unknown_name_like_none_is_met_with_the_list() -> None:
    assert "expected one of arch, augment" in complaint(xyzzy=3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", -1),
        ("seed", 2**32),
        ("seed", True),
        ("epochs", "3"),
        ("lr", 0.0),
        ("lr", float("inf")),
        ("lr", float("nan")),
        ("max_length", 7),
        ("image_size", 7),
        ("dropout", 1.0),
        ("layer_decay", 0.0),
        ("layer_decay", 1.1),
        ("weight_decay", -0.1),
        ("head", "mlp"),
        ("head", "mlp:0"),
        ("head", "mlp:64,"),
        ("device", "gpu"),
        ("backbone", ""),
        ("patience", 0),
        ("max_seconds", 0),
        ("baselines", "yes"),
        ("text", 3),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_name(name: str, value: object) -> None:
    assert complaint(**{name: value}).startswith(f"{name} = {value!r} cannot be used; expected ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", 2**32 - 1),
        ("epochs", 1),
        ("lr", 1),
        ("max_length", 8),
        ("dropout", 0),
        ("layer_decay", 1.0),
        ("head", "mlp:256,64"),
        ("device", "cuda:1"),
        ("out", "runs/x"),
    ],
)
def test_a_value_on_the_bound_is_taken(name: str, value: object) -> None:
    taken = getattr(FitSettings.model_validate({name: value}), name)
    assert taken == (Path("runs/x") if name == "out" else value)


def test_the_named_columns_are_given_by_role() -> None:
    assert FitSettings(text="review", label="stars").columns == {"text": "review", "label": "stars"}


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


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"control": True}, "--freeze-threshold auto --control"),
        (
            {"control": True, "freeze_threshold": "auto", "max_seconds": 9.0},
            "the twin takes its own time",
        ),
        ({"freeze_threshold": "auto", "freeze_threshold_rule": "literal"}, "a number above 0"),
        ({"freeze_threshold": "auto", "freeze_threshold_rule": "clock"}, "a number from 0 to 1"),
        ({"ema": 1.0}, "a number above 0, below 1"),
        ({"freeze_threshold_rule": "clock"}, "--freeze-threshold 0.1"),
        ({"freeze_threshold": 1.5, "freeze_threshold_rule": "clock"}, "a number from 0 to 1"),
        (
            {
                "freeze_threshold": 0.1,
                "freeze_threshold_rule": "staggered",
                "freeze_threshold_scope": "any",
            },
            "the scope prefix",
        ),
        ({"check_cache": True, "cache": False}, "without the cache"),
    ],
)
def test_what_does_not_go_together_is_refused(values: dict[str, Any], words: str) -> None:
    assert words in complaint(**values)


def test_a_control_with_a_threshold_is_fine() -> None:
    assert FitSettings(control=True, freeze_threshold="auto").control
