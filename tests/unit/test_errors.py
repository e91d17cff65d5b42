"""Holds the tree of errors: its exit codes and the form of its sentence."""

import copy

import pytest

from regraft import errors
from regraft.errors import DataError, RegraftError, nearest, one_of, whole

CODES = {
    "BackboneError": 2,
    "DamagedFileError": 3,
    "DataError": 2,
    "GuardError": 4,
    "DivergedError": 2,
    "RegraftError": 1,
    "SettingsError": 2,
    "StoppedError": 130,
    "StorageError": 3,
    "UnreachableError": 3,
    "UserError": 2,
    "WorldError": 3,
}


@pytest.mark.parametrize(("name", "code"), CODES.items())
def test_an_error_has_the_exit_code_that_the_command_line_promises(name: str, code: int) -> None:
    assert getattr(errors, name).exit_code == code


def test_no_error_is_without_a_promised_exit_code() -> None:
    assert set(CODES) == {name for name in vars(errors) if name.endswith("Error")}


def test_every_error_is_caught_by_the_root() -> None:
    assert all(issubclass(getattr(errors, name), RegraftError) for name in CODES)


def test_the_drawing_shows_the_whole_tree() -> None:
    assert all(name in (errors.__doc__ or "") for name in CODES)


def test_a_message_says_what_was_given_expected_and_what_to_type() -> None:
    error = DataError("a.csv is empty", expected="at least one row", hint="another file")
    assert str(error) == "a.csv is empty; expected at least one row; try another file"


def test_a_message_leaves_out_what_it_was_not_told() -> None:
    assert str(DataError("a.csv is empty")) == "a.csv is empty"


def test_an_error_survives_a_copy_as_from_another_process() -> None:
    error = DataError("a.csv is empty", expected="rows", hint="another file")
    again = copy.copy(error)
    assert (str(again), again.exit_code) == (str(error), 2)


def test_the_nearest_word_is_the_one_spelled_most_alike() -> None:
    assert nearest("lable", ["text", "label", "domain"]) == "label"


def test_nothing_is_near_to_a_word_unlike_all_others() -> None:
    assert nearest("zzz", ["text", "label"]) == ""


def test_choices_are_listed_in_order() -> None:
    assert one_of({"tsv", "csv"}) == "one of csv, tsv"


def test_control_and_direction_marks_are_spelled_out_and_all_else_is_kept() -> None:
    from regraft.errors import harmless

    assert harmless("a\x1b[2J\x00\x7f\x9b\u202e\u2066\u200f") == (
        "a\\x1b[2J\\x00\\x7f\\x9b\\u202e\\u2066\\u200f"
    )
    kept = "tab\tnew\nline, é 漢 العربية 👍🏽 \\n"
    assert harmless(kept) == kept


def test_lone_surrogates_are_replaced_and_all_else_stays() -> None:
    assert whole("a\ud800\udcffb \U0001f642") == "a\ufffd\ufffdb \U0001f642"
