"""`shift` hands checked settings to the verb and prints what it gives back."""

import json
from pathlib import Path
from typing import get_type_hints

from regraft.cli.shift import ShiftFlags
from regraft.settings import ShiftSettings
from regraft.training.progress import Silent
from tests.unit.cli.conftest import Stand, Type
from tests.unit.reports.example_shift import example_shift


def test_every_setting_of_shift_has_its_flag() -> None:
    flags = set(get_type_hints(ShiftFlags)) - {"json", "quiet", "config", "no_cache"}
    assert flags == set(ShiftSettings.model_fields) - {"data", "target", "cache"}


def test_the_verb_gets_what_was_typed(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("shift:run_shift", example_shift())
    words = "shift s.csv t.csv --score-target --no-cache --seed 3 --backbone b"
    assert typed(*words.split()).code == 0
    assert verb.calls[0][0] == ShiftSettings(
        data="s.csv", target="t.csv", score_target=True, cache=False, seed=3, backbone="b"
    )


def test_two_domains_need_no_target(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("shift:run_shift", example_shift())
    assert typed("shift", "s.csv", "--domain", "d", "--from", "a", "--to", "b").code == 0
    assert verb.calls[0][0].to_domain == "b"


def test_tables_are_the_result_and_sentences_are_said(typed: Type, stand_in: Stand) -> None:
    stand_in("shift:run_shift", example_shift())
    outcome = typed("shift", "s.csv", "t.csv")
    assert outcome.out.splitlines()[2].split() == ["verdict", "shift"]
    assert "There is a shift." in outcome.err
    assert "There is a shift." not in typed("shift", "s.csv", "t.csv", "--quiet").err


def test_json_is_the_whole_document(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("shift:run_shift", example_shift())
    outcome = typed("shift", "s.csv", "t.csv", "--json", "--quiet")
    assert json.loads(outcome.out) == example_shift()
    assert isinstance(verb.calls[0][1], Silent)


def test_a_file_is_written_once(typed: Type, stand_in: Stand, tmp_path: Path) -> None:
    verb = stand_in("shift:run_shift", example_shift())
    words = ("shift", "s.csv", "t.csv", "--out", str(tmp_path / "found.json"))
    assert typed(*words).code == 0
    assert json.loads((tmp_path / "found.json").read_text("utf-8")) == example_shift()
    again = typed(*words)
    assert again.code == 2
    assert "exists; expected a path where nothing is" in again.err
    assert len(verb.calls) == 1


def test_source_and_target_must_be_named(typed: Type) -> None:
    assert "SOURCE is missing" in typed("shift").err
    outcome = typed("shift", "s.csv")
    assert outcome.code == 2
    assert "TARGET is missing; expected a file, a folder or starter:NAME, or two" in outcome.err


def test_a_document_is_not_written_under_another_name(
    typed: Type, stand_in: Stand, tmp_path: Path
) -> None:
    verb = stand_in("shift:run_shift", example_shift())
    outcome = typed("shift", "s.csv", "t.csv", "--out", str(tmp_path / "found.csv"))
    assert outcome.code == 2
    assert "expected a name that ends in .json" in outcome.err
    assert verb.calls == []


def test_truths_in_the_file_can_be_undone(typed: Type, stand_in: Stand, tmp_path: Path) -> None:
    verb = stand_in("shift:run_shift", example_shift())
    file = tmp_path / "shift.toml"
    file.write_text("score_target = true\ncheck_cache = true\n")
    words = ("shift", "s.csv", "t.csv", "--config", str(file))
    typed(*words, "--no-score-target", "--no-check-cache")
    assert (verb.calls[0][0].score_target, verb.calls[0][0].check_cache) == (False, False)
