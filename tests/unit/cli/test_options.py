"""Flags become settings; what was not typed leaves the file and the defaults alone."""

import json
from pathlib import Path
from typing import get_type_hints

import pytest

from regraft.cli.options import FitFlags, fit_settings, given, merged, required
from regraft.errors import SettingsError
from regraft.settings import FitSettings
from tests.unit.cli.conftest import Type


def test_every_setting_of_fit_has_its_flag() -> None:
    flags = set(get_type_hints(FitFlags)) - {"json", "quiet"}
    switched_off = {"baselines", "cache"}
    assert flags - {"config", *(f"no_{name}" for name in switched_off)} == (
        set(FitSettings.model_fields) - switched_off - {"data", "repeat"}
    )


def test_the_flags_of_fit_include_json_and_quiet() -> None:
    assert {"json", "quiet"} <= set(get_type_hints(FitFlags))


def test_only_what_was_typed_and_is_a_setting_is_given() -> None:
    typed = {"lr": 0.1, "epochs": None, "json": True, "quiet": False, "config": None}
    assert given(typed) == {"lr": 0.1}


def test_a_flag_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "fit.toml"
    file.write_text('data = "d.csv"\nlr = 0.5\nepochs = 7\n')
    settings = fit_settings(None, {"config": file, "lr": 0.1})
    assert (settings.data, settings.lr, settings.epochs) == ("d.csv", 0.1, 7)


def test_the_cache_is_used_unless_told_otherwise() -> None:
    assert fit_settings("d", {"no_cache": False}).cache
    assert not fit_settings("d", {"no_cache": True}).cache
    assert fit_settings("d", {"check_cache": True}).check_cache


def test_baselines_are_left_out_only_when_asked(tmp_path: Path) -> None:
    file = tmp_path / "fit.toml"
    file.write_text("baselines = false\n")
    assert not fit_settings("d", {"no_baselines": True}).baselines
    assert fit_settings("d", {"no_baselines": None}).baselines
    assert not fit_settings("d", {"no_baselines": None, "config": file}).baselines


@pytest.mark.parametrize("name", ["baselines", "cache", "check_cache", "control"])
def test_a_truth_in_the_file_can_be_undone_either_way(
    name: str, typed: Type, tmp_path: Path
) -> None:
    file = tmp_path / "fit.toml"
    flag = name.replace("_", "-")
    for written, word, value in (("false", f"--{flag}", True), ("true", f"--no-{flag}", False)):
        file.write_text(f"freeze_threshold = 0.1\n{name} = {written}\n")
        outcome = typed("show-config", "d.csv", "--config", str(file), word, "--json")
        assert json.loads(outcome.out)[name] is value
        outcome = typed("show-config", "d.csv", "--config", str(file), "--json")
        assert json.loads(outcome.out)[name] is not value


def test_data_must_be_named_somewhere() -> None:
    with pytest.raises(SettingsError, match="DATA is missing"):
        required(FitSettings())
    assert required(FitSettings(data="d")).data == "d"


def test_settings_of_another_verb_in_the_file_can_be_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "fit.toml"
    file.write_text('strategy = "head"\nlr = 0.5\n')
    found = merged("d", {"config": file, "seed": 3}, passed_over={"strategy"})
    assert found == {"data": "d", "lr": 0.5, "seed": 3}


def test_words_in_the_place_of_numbers_are_told_at_once(typed: Type) -> None:
    words = "show-config d.csv --epochs three --lr fast --seed 2 --optimizer adm"
    outcome = typed(*words.split())
    assert outcome.code == 2
    assert outcome.err.splitlines() == [
        "error: 3 settings cannot be used:",
        "  epochs = 'three' cannot be used; expected a number above 0",
        "  lr = 'fast' cannot be used; expected a number above 0",
        "  optimizer = 'adm' cannot be used; expected one of adamw, sgd; try adamw",
    ]


def test_numbers_of_flags_are_numbers(typed: Type) -> None:
    words = "show-config d.csv --epochs 3 --lr 1e-3 --batch-size=8 --json"
    found = json.loads(typed(*words.split()).out)
    assert [found[name] for name in ("epochs", "lr", "batch_size")] == [3.0, 0.001, 8]
