"""`show-config` prints settings that `--config` reads back alike."""

import json
from pathlib import Path

from regraft.settings import FitSettings
from regraft.toml import read_toml
from tests.unit.cli.conftest import Type


def test_what_is_printed_can_be_used_again(typed: Type, tmp_path: Path) -> None:
    words = "show-config d.csv --lr 0.1 --head mlp:8 --no-baselines --label stars"
    file = tmp_path / "fit.toml"
    file.write_text(typed(*words.split()).out, encoding="utf-8")
    assert FitSettings(**read_toml(file)) == FitSettings(
        data="d.csv", lr=0.1, head="mlp:8", baselines=False, label="stars"
    )


def test_a_strategy_that_nobody_gave_leaves_a_preset_its_choice(
    typed: Type, tmp_path: Path
) -> None:
    file = tmp_path / "fit.toml"
    file.write_text(typed("show-config", "d.csv").out, encoding="utf-8")
    assert 'strategy = "two-stage"' in file.read_text(encoding="utf-8").splitlines()[1]
    again = FitSettings(**read_toml(file), preset="fast")
    assert (again.strategy, again.preset) == ("auto", "fast")
    assert '\nstrategy = "head"' in typed("show-config", "d.csv", "--strategy", "head").out


def test_what_is_left_open_is_said(typed: Type) -> None:
    first = typed("show-config", "d.csv", "--lr", "0.1").out.splitlines()[0]
    assert first.startswith("# Chosen from the data unless set:")
    assert "epochs" in first
    assert "lr" not in first.split(": ")[1].split(", ")


def test_json_holds_every_setting(typed: Type) -> None:
    document = json.loads(typed("show-config", "--json").out)
    assert set(document) == set(FitSettings.model_fields)


def test_what_is_off_is_not_said_to_be_chosen(typed: Type) -> None:
    lines = typed("show-config", "d.csv", "--max-seconds", "9").out.splitlines()
    off = next(line for line in lines if line.startswith("# Nothing unless set: "))
    names = off.split(": ")[1].split(", ")
    assert names == sorted({"arch", "ema", "out", "preset", "source", "views"}, key=names.index)
    assert not set(names) & set(lines[0].split(": ")[1].split(", "))
