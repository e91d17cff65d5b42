"""A comparison's folder is taken again by the same settings and by no others."""

from pathlib import Path
from typing import Any

import pytest

from regraft.backbones.modes import Mode
from regraft.errors import SettingsError
from regraft.runs.comparing.folder import (
    COMPARE,
    asked_tables,
    digests_of,
    find_begun,
    open_comparison,
    shared_table,
)
from regraft.runs.comparing.settings import CompareSettings
from regraft.runs.fitting.folder import RunFolder
from regraft.runs.fitting.prepare import Prepared, prepare
from regraft.runs.fitting.repeat import read_earlier
from regraft.settings import FitSettings
from regraft.training.precision import Verdict
from tests import tiny

VERDICT = Verdict(Mode(), Mode(), {}, "a processor")


@pytest.fixture(scope="module")
def prepared(bert: Path, _own_cache: None) -> Prepared:
    settings = FitSettings(backbone=str(bert), cache=False)
    return prepare(settings, tiny.toy_texts(40), say=lambda line: None)


def asked(out: Path | None, **values: Any) -> CompareSettings:
    shared = FitSettings(**values.pop("shared", {}))
    return CompareSettings(out=out, shared=shared, **values)


def opened(
    asked: CompareSettings, prepared: Prepared, digests: dict[str, str] | None = None
) -> RunFolder:
    found = digests or digests_of(prepared)
    return open_comparison(asked, prepared, verdict=VERDICT, digests=found)


def test_a_new_folder_holds_what_was_asked_and_measured(prepared: Prepared, tmp_path: Path) -> None:
    out = tmp_path / "new" / "c"
    folder = opened(asked(out), prepared)
    assert folder.path == out
    assert sorted(path.name for path in out.iterdir()) == [COMPARE, "trials"]
    earlier = read_earlier(out / COMPARE)
    assert earlier is not None
    assert (earlier.verdict, earlier.left_open) == (VERDICT, frozenset())


def test_without_a_place_folders_are_numbered(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = [opened(asked(None), prepared).path.name for _ in range(2)]
    assert names == ["data-compare-001", "data-compare-002"]


def test_the_same_settings_take_the_folder_again(prepared: Prepared, tmp_path: Path) -> None:
    values: dict[str, Any] = {"fractions": "0.1,1", "shared": {"epochs": 2}}
    opened(asked(tmp_path / "c", **values), prepared)
    (tmp_path / "c" / "trials" / "x.json.tmp").write_text("half")
    again = asked(tmp_path / "c", **values)
    assert find_begun(again) == tmp_path / "c" / COMPARE
    assert opened(again, prepared).path == tmp_path / "c"
    assert list((tmp_path / "c" / "trials").iterdir()) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"seeds": 4}, "seeds was 3, is 4"),
        ({"fractions": "0.5,1"}, "fractions was 1.0, is 0.5,1.0"),
        ({"shared": {"epochs": 2}}, "epochs was left open, is 2.0"),
        ({"strategies": "head,full"}, "strategies was head,two-stage,full, is head,full"),
    ],
)
def test_a_folder_of_another_comparison_is_refused(
    prepared: Prepared, tmp_path: Path, values: dict[str, Any], words: str
) -> None:
    opened(asked(tmp_path / "c"), prepared)
    with pytest.raises(SettingsError) as caught:
        find_begun(asked(tmp_path / "c", **values))
    assert words in str(caught.value)
    assert "holds another comparison" in str(caught.value)


def test_other_rows_or_weights_are_refused(prepared: Prepared, tmp_path: Path) -> None:
    opened(asked(tmp_path / "c"), prepared)
    others = {**digests_of(prepared), "rows": "other"}
    with pytest.raises(SettingsError, match="another comparison: rows were others"):
        opened(asked(tmp_path / "c"), prepared, others)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_place_that_holds_something_else_is_refused(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "c"
    if kind == "folder":
        out.mkdir()
    (out / "mine" if kind == "folder" else out).write_text("words")
    with pytest.raises(SettingsError, match="exists already"):
        find_begun(asked(out))


def test_a_folder_that_a_killed_process_left_is_free(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / f"{COMPARE}.tmp").write_text("half")
    assert find_begun(asked(tmp_path / "c")) is None


def test_damaged_settings_are_refused(tmp_path: Path) -> None:
    (tmp_path / COMPARE).write_text("seeds = = 3")
    with pytest.raises(SettingsError, match="cannot be read"):
        find_begun(asked(tmp_path))


def test_places_are_written_from_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.csv").write_text("text,label\n")
    table = shared_table(FitSettings(data="d.csv", out=tmp_path))
    assert table["data"] == str(tmp_path / "d.csv")
    assert "out" not in table
    assert None not in table.values()
    tables = asked_tables(asked(None, against="full", strategies="head"))
    assert tables["compare"]["strategies"] == ["full", "head"]


def test_a_comparison_that_is_worked_on_is_left_alone(prepared: Prepared, tmp_path: Path) -> None:
    folder = opened(asked(tmp_path / "c"), prepared)
    half = tmp_path / "c" / "trials" / "x.json.tmp"
    half.write_text("half")
    with folder.alone():
        for take in (find_begun, lambda asked: opened(asked, prepared)):
            with pytest.raises(SettingsError, match="c is being worked on by another process"):
                take(asked(tmp_path / "c"))
    assert half.exists()
