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
    assert set(document) == {*FitSettings.model_fields, "origins"}
    assert set(document["origins"]) == set(FitSettings.model_fields)


def test_what_is_off_is_not_said_to_be_chosen(typed: Type) -> None:
    lines = typed("show-config", "d.csv", "--max-seconds", "9").out.splitlines()
    off = next(line for line in lines if line.startswith("# Nothing unless set: "))
    names = off.split(": ")[1].split(", ")
    assert names == sorted({"arch", "ema", "out", "preset", "source", "views"}, key=names.index)
    assert not set(names) & set(lines[0].split(": ")[1].split(", "))


def test_every_line_says_where_its_value_is_from(typed: Type, tmp_path: Path) -> None:
    file = tmp_path / "fit.toml"
    file.write_text('lr = 0.5\nepochs = 7\nbackbone = "run # 1"\n', encoding="utf-8")
    words = ("show-config", "d.csv", "--config", str(file), "--lr", "0.1", "--no-baselines")
    out = typed(*words, "--preset", "fast").out
    lines = out.split("\n")
    for line in (
        'data = "d.csv"  # argument',
        "lr = 0.1  # flag",
        "baselines = false  # flag",
        f"epochs = 7.0  # {file}",
        f'backbone = "run # 1"  # {file}',
        'strategy = "auto"  # preset',
        'preset = "fast"  # flag',
        'optimizer = "adamw"  # default',
    ):
        assert line in lines
    again = tmp_path / "again.toml"
    again.write_text(out, encoding="utf-8")
    assert FitSettings(**read_toml(again)) == FitSettings(
        data="d.csv", lr=0.1, epochs=7, backbone="run # 1", preset="fast", baselines=False
    )
    origins = json.loads(typed(*words, "--json").out)["origins"]
    found = {name: origins[name] for name in ("data", "lr", "baselines", "epochs", "strategy")}
    assert found == {
        "data": "argument",
        "lr": "flag",
        "baselines": "flag",
        "epochs": str(file),
        "strategy": "default",
    }


def test_an_odd_name_of_a_file_breaks_no_line(typed: Type, tmp_path: Path) -> None:
    file = tmp_path / "a\nlr = 3\x1b\u2028.toml"
    file.write_text("epochs = 7\n", encoding="utf-8")
    again = tmp_path / "again.toml"
    out = typed("show-config", "d.csv", "--config", str(file)).out
    again.write_text(out, encoding="utf-8")
    assert FitSettings(**read_toml(again)) == FitSettings(data="d.csv", epochs=7)


def test_a_strategy_of_the_file_beside_a_preset_is_the_file_s(typed: Type, tmp_path: Path) -> None:
    file = tmp_path / "fit.toml"
    file.write_text('strategy = "auto"\npreset = "fast"\n', encoding="utf-8")
    out = typed("show-config", "d.csv", "--config", str(file)).out
    assert f'strategy = "auto"  # {file}' in out.split("\n")
    file.write_text('preset = "fast"\n', encoding="utf-8")
    out = typed("show-config", "d.csv", "--config", str(file)).out
    assert 'strategy = "auto"  # preset' in out.split("\n")
