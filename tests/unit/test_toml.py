"""Tests settings in TOML: what is written is read back, and bad files are named."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from regraft.errors import SettingsError
from regraft.settings import FitSettings
from regraft.toml import merge, read_toml, write_toml


def test_flags_win_over_the_file_and_absent_flags_do_not() -> None:
    merged = merge({"lr": 1.0, "epochs": 2}, {"lr": 3.0, "epochs": None})
    assert merged == {"lr": 3.0, "epochs": 2}


def test_what_is_written_is_read_back_alike() -> None:
    values: dict[str, Any] = {
        "table": {"seconds": 1e-5, "endless": float("inf"), "deep": {"k": 1}},
        "text": 'a "quote", a \\ and a\nnew line, \x00 \x7f é 漢 \u202e',
        "odd key =": True,
        "list": [1, 2.5, False, ["x"]],
    }
    assert tomllib.loads(write_toml(values)) == values


def test_none_is_left_out_and_a_path_is_text() -> None:
    written = write_toml({"out": Path("a/b"), "lr": None, "t": {"x": None}})
    assert tomllib.loads(written) == {"out": "a/b", "t": {}}


def test_what_was_compared_is_in_the_file_of_a_comparison(tmp_path: Path) -> None:
    file = tmp_path / "compare.toml"
    tables = {"compare": {"seeds": 2}, "settings": {"data": "d.csv"}, "machine": {"threads": 2}}
    file.write_text(write_toml(tables), encoding="utf-8")
    assert read_toml(file) == {"data": "d.csv", "seeds": 2, "repeat": str(file)}


def test_the_settings_of_a_run_survive_a_file(tmp_path: Path) -> None:
    settings = FitSettings(data="d.csv", lr=3e-4, out=Path("r"), head="mlp:64")
    file = tmp_path / "run.toml"
    file.write_text(write_toml(settings.model_dump()), encoding="utf-8")
    assert FitSettings(**read_toml(file)) == settings


@pytest.mark.parametrize("content", [b"lr = ", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"bad\.toml is not TOML"):
        read_toml(file)


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfepochs = 1\n")
    assert read_toml(tmp_path / "a.toml") == {"epochs": 1}


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(SettingsError) as caught:
            read_toml(path)
        assert str(path) in str(caught.value)


def test_a_run_s_own_file_repeats_it_in_another_place(tmp_path: Path) -> None:
    place = tmp_path / "run.toml"
    content = {
        "left_open": ["lr"],
        "settings": {"data": "d.csv", "lr": 0.1, "out": "runs/a"},
        "machine": {"processor": "x"},
    }
    place.write_text(write_toml(content), "utf-8")
    assert read_toml(place) == {"data": "d.csv", "lr": 0.1, "repeat": str(place)}
    assert FitSettings(**read_toml(place)).repeat == place
