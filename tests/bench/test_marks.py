"""Tests the files of trials and the pages that are made from them."""

from pathlib import Path

import pytest

from marks import add_trial, read_trials, write_between

MARKS = ("<!-- here -->", "<!-- end -->")


def test_trials_are_read_in_the_order_in_which_they_were_added(tmp_path: Path) -> None:
    place = tmp_path / "trials.jsonl"
    assert read_trials(place) == []
    add_trial(place, {"seed": 1})
    add_trial(place, {"seed": 0, "who": "é"})
    assert read_trials(place) == [{"seed": 1}, {"seed": 0, "who": "é"}]


def test_only_what_stands_between_the_marks_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- here -->\nold\n<!-- end -->\nafter\n", encoding="utf-8")
    write_between(page, MARKS, "new")
    write_between(page, MARKS, "newer")
    expected = "before\n<!-- here -->\n\nnewer\n\n<!-- end -->\nafter\n"
    assert page.read_text(encoding="utf-8") == expected


@pytest.mark.parametrize("text", ["nothing", "<!-- here --> alone", "alone <!-- end -->"])
def test_a_page_that_lacks_a_mark_stays_as_it_was(text: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit, match="has not each of these marks once"):
        write_between(page, MARKS, "new")
    assert page.read_text(encoding="utf-8") == text
