"""Tests what of an adaptation's settings lets the trunk move, and by which strategy."""

from typing import Any

import pytest

from regraft.errors import SettingsError
from regraft.settings import AdaptSettings


@pytest.mark.parametrize(
    ("values", "strategy"),
    [
        ({}, "head"),
        ({"preset": "fast"}, "head"),
        ({"preset": "best"}, "two-stage"),
        ({"freeze": 0}, "two-stage"),
        ({"freeze": "norm"}, "two-stage"),
        ({"epochs": 2.0}, "two-stage"),
        ({"lr": 1e-4}, "two-stage"),
        ({"freeze_threshold": "0.2"}, "two-stage"),
        ({"batch_size": 16}, "two-stage"),
        ({"optimizer": "sgd"}, "two-stage"),
        ({"augment": "none"}, "two-stage"),
        ({"dropout": 0.1}, "two-stage"),
        ({"layer_decay": 0.9}, "two-stage"),
        ({"weight_decay": 0.0}, "two-stage"),
        ({"patience": 2}, "two-stage"),
        ({"optimizer": "adamw", "augment": "auto", "dropout": 0.0}, "head"),
        ({"strategy": "head", "batch_size": 16}, "head"),
        ({"strategy": "layerwise", "epochs": 2.0}, "layerwise"),
        ({"strategy": "head", "epochs": 2.0}, "head"),
        ({"strategy": "head+average"}, "head+average"),
        ({"strategy": "head+norm-only"}, "head+norm-only"),
        ({"strategy": "full+average"}, "full+average"),
    ],
)
def test_what_is_given_decides_how_the_source_is_trained(
    values: dict[str, Any], strategy: str
) -> None:
    made = AdaptSettings(**values)
    assert made.source_strategy == strategy
    assert made.moves is not strategy.startswith("head")


@pytest.mark.parametrize(
    ("values", "words", "hint"),
    [
        ({"preset": "fast", "epochs": 2.0}, "'fast' cannot be used with epochs = 2.0", "balanced"),
        ({"preset": "fast", "batch_size": 4}, "'fast' cannot be used with batch_size", "balanced"),
        ({"preset": "fast", "strategy": "full"}, "with strategy = 'full'", "balanced"),
        ({"preset": "fast", "freeze_threshold": 0.1}, "with freeze_threshold = 0.1", "balanced"),
        ({"preset": "best", "strategy": "head"}, "'best' cannot be used with strategy", "fast"),
    ],
)
def test_a_preset_is_not_overruled_in_silence(
    values: dict[str, Any], words: str, hint: str
) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        AdaptSettings(**values)
    assert caught.value.hint == f"--preset {hint}"


@pytest.mark.parametrize(
    "values",
    [
        {"preset": "fast", "strategy": "head", "lr": 1e-3},
        {"preset": "best", "strategy": "full"},
        {"preset": "balanced", "epochs": 2.0},
    ],
)
def test_a_preset_may_stand_beside_what_says_the_same(values: dict[str, Any]) -> None:
    assert AdaptSettings(**values).moves is (values["preset"] != "fast")


def test_numbers_may_be_words() -> None:
    made = AdaptSettings.model_validate({"freeze": 3, "freeze_threshold": "0.25"})
    assert (made.freeze, made.freeze_threshold) == ("3", 0.25)


@pytest.mark.parametrize(
    "values", [{"epochs": 0}, {"lr": -1.0}, {"freeze_threshold": "soon"}, {"preset": "slow"}]
)
def test_what_cannot_be_used_is_told(values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="cannot be used"):
        AdaptSettings(**values)
