"""Tests that the settings of a run are written so that the run can be repeated."""

from pathlib import Path
from typing import Any

from regraft.runs.adapting.record import adapt_toml, fit_settings
from regraft.settings import AdaptSettings
from regraft.toml import read_toml
from regraft.training.precision import Verdict
from tests import tiny
from tests.unit.runs.adapting.conftest import Prepare


def test_source_only_is_a_linear_head_on_a_frozen_trunk() -> None:
    settings = fit_settings(AdaptSettings(data="d", seed=3, max_length=32, text="review"))
    assert (settings.strategy, settings.head, settings.seed) == ("head", "linear", 3)
    assert (settings.data, settings.max_length, settings.columns) == ("d", 32, {"text": "review"})


def test_settings_of_steps_are_those_of_the_source() -> None:
    typed: dict[str, Any] = {"batch_size": 4, "optimizer": "sgd", "patience": 2, "dropout": 0.1}
    settings = fit_settings(AdaptSettings(data="d", **typed))
    assert {name: getattr(settings, name) for name in typed} == typed
    assert settings.strategy == "two-stage"


def test_what_was_typed_and_what_was_chosen_can_be_read_again(
    prepared: Prepare, verdict: Verdict, bert: Path, tmp_path: Path
) -> None:
    texts, labels = tiny.toy_texts(60)
    data = tiny.write_csv(tmp_path / "d.csv", {"text": texts, "label": labels})
    typed: dict[str, Any] = {
        "data": str(data),
        "backbone": str(bert),
        "method": "mcc",
        "score_target": True,
    }
    settings = AdaptSettings(**typed, target="starter:none", strict=True)
    made = prepared(source=str(data), **typed)
    place = tmp_path / "run.toml"
    place.write_text(adapt_toml(settings, made, verdict=verdict))
    again = AdaptSettings(**read_toml(place))
    assert (again.method, again.target, again.strict) == ("mcc", "starter:none", True)
    assert again.data == str(data.resolve())
    assert again.max_length == made.chosen.extent.value
    assert again.repeat == place
