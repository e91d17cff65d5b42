"""Settings of a fit: bounds, and what does not go together."""

from pathlib import Path
from typing import Any

import pytest

from regraft.errors import SettingsError
from regraft.settings import FitOptions, FitSettings


def complaint(**values: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        FitSettings(**values)
    return str(caught.value)


def test_the_options_of_python_are_the_settings_except_the_data() -> None:
    assert {*FitOptions.__annotations__, "data"} == set(FitSettings.model_fields)


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
        ("max_length", 1_000_001),
        ("epochs", 10_001),
        ("epochs", 1e9),
        ("batch_size", 10**20),
        ("cut", "start"),
        ("freeze", ","),
        ("freeze", ""),
        ("freeze_threshold", "abc"),
        ("image_size", 7),
        ("image_size", 4097),
        ("image_size", 999_999_999),
        ("dropout", 1.0),
        ("layer_decay", 0.0),
        ("layer_decay", 1.1),
        ("weight_decay", -0.1),
        ("head", "mlp"),
        ("head", "mlp:0"),
        ("head", "mlp:64,"),
        ("head", "mlp:65537"),
        ("head", "mlp:8,99999999999999999999"),
        ("head", "mlp:" + "9" * 5000),
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
        ("max_length", 1_000_000),
        ("epochs", 10_000),
        ("image_size", 4096),
        ("batch_size", 1_000_000),
        ("dropout", 0),
        ("layer_decay", 1.0),
        ("head", "mlp:256,64"),
        ("head", "mlp:65536"),
        ("device", "cuda:1"),
        ("out", "runs/x"),
    ],
)
def test_a_value_on_the_bound_is_taken(name: str, value: object) -> None:
    taken = getattr(FitSettings.model_validate({name: value}), name)
    assert taken == (Path("runs/x") if name == "out" else value)


def test_the_named_columns_are_given_by_role() -> None:
    assert FitSettings(text="review", label="stars").columns == {"text": "review", "label": "stars"}


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
        ({"preset": "fast", "strategy": "head"}, "try --strategy auto --preset fast"),
    ],
)
def test_what_does_not_go_together_is_refused(values: dict[str, Any], words: str) -> None:
    assert words in complaint(**values)


def test_a_control_with_a_threshold_is_fine() -> None:
    assert FitSettings(control=True, freeze_threshold="auto").control
