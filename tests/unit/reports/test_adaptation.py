"""Tests the parts of an adaptation's page: the picture, the guards, the answers that moved."""

import base64
from typing import Any
from xml.etree import ElementTree

from regraft.adaptation.decision import MISTAKEN
from regraft.adaptation.guards import GUARDS as GUARDS_THAT_ARE
from regraft.reports.adaptation import (
    GUARDS,
    domains_picture,
    guard_lines,
    kept_words,
    moved_words,
    numbered,
    watched_picture,
)
from regraft.reports.html import render


def points(shift: float) -> list[list[float]]:
    return [[row + shift, row % 3] for row in range(12)]


def result(**more: Any) -> dict[str, Any]:
    pictures = {
        name: {"source": points(0), "target": points(shift)}
        for name, shift in (("before", 9.0), ("after", 0.5))
    }
    shown = {"classes": [row % 2 for row in range(12)], **pictures}
    passed = {"narrow": "", "stranger": ""}
    methods = [
        {"name": "source_only", "guards": {}},
        {"name": "mcc", "guards": {**passed, "narrow": "it is narrow"}},
        {"name": "dann", "guards": passed},
    ]
    return {
        "classes": ["cat", "<b>dog"],
        "methods": methods,
        "chosen": "dann",
        "projection": shown,
        "moved": [[5, 1], [2, 12]],
        **more,
    }


def texts(uri: str) -> set[str]:
    drawn = base64.b64decode(uri.partition(",")[2]).decode()
    return {node.text for node in ElementTree.fromstring(drawn).iter() if node.text}


def test_the_picture_has_both_domains_before_and_after_and_numbers_the_classes() -> None:
    assert {"before", "after", "source", "target", "1", "2"} <= texts(domains_picture(result()))


def test_nothing_in_the_picture_is_white_or_black_on_a_page_of_either_colour() -> None:
    drawn = base64.b64decode(domains_picture(result()).partition(",")[2]).decode().lower()
    assert "#ffffff" not in drawn
    assert "#000000" not in drawn
    assert "fill: white" not in drawn
    assert "var(--ink)" in drawn


def test_where_source_only_is_kept_there_is_one_picture() -> None:
    only = result()
    del only["projection"]["after"]
    found = texts(domains_picture(only))
    assert "before" in found
    assert "after" not in found


def test_many_classes_are_not_numbered() -> None:
    many = result()
    many["projection"]["classes"] = list(range(12))
    many["projection"]["classes"][0] = 15
    assert "16" in texts(domains_picture(many))
    many["projection"]["before"]["source"] *= 2
    many["projection"]["after"]["source"] *= 2
    many["projection"]["classes"] = list(range(24))
    assert "16" not in texts(domains_picture(many))


def test_the_same_points_make_the_same_bytes_and_none_make_none() -> None:
    assert domains_picture(result()) == domains_picture(result())
    assert domains_picture({}) == ""


def test_every_guard_is_told_in_words() -> None:
    assert set(GUARDS) == {*GUARDS_THAT_ARE, MISTAKEN}
    objected = {name: "why" for name in (*GUARDS_THAT_ARE, MISTAKEN)}
    asked = guard_lines({"methods": [{"name": "mcc", "guards": objected}]})
    assert all(line["asks"] for line in asked)


def test_a_guard_says_who_passed_and_why_others_did_not() -> None:
    narrow, stranger = guard_lines(result())
    assert (narrow["name"], narrow["passed"], narrow["tried"]) == ("narrow", 1, 2)
    assert narrow["objections"] == ["mcc: it is narrow"]
    assert narrow["asks"] == GUARDS["narrow"]
    assert stranger["objections"] == []


def test_answers_that_moved_are_counted() -> None:
    assert moved_words([[5, 1], [2, 12]]) == ("3 of 20 target rows (15.0 %) have another answer")
    assert moved_words([]) == ""


def test_the_page_shows_all_three_and_escapes_the_classes() -> None:
    page = render(result())
    for heading in ("What the guards said", "Both domains", "Where answers moved"):
        assert heading in page
    assert "&lt;b&gt;dog" in page
    assert "<b>dog" not in page
    assert "3 of 20 target rows (15.0 %) have another answer" in page


def test_a_page_of_another_verb_has_none_of_them() -> None:
    page = render({"classes": ["a", "b"], "confusion": [[3, 1], [0, 4]]})
    for heading in ("What the guards said", "Both domains", "Where answers moved"):
        assert heading not in page
    assert "true ↓" in page


def test_of_many_classes_the_page_lists_the_answers_that_moved_most() -> None:
    counts = [[0] * 14 for _ in range(14)]
    counts[3][4], counts[2][2] = 7, 5
    names = [f"class{number}" for number in range(14)]
    page = render(result(moved=counts, classes=names, projection={}))
    assert "became" in page
    assert "7 rows" in page


def watched(guards: list[list[str]], best: list[bool]) -> dict[str, Any]:
    """Returns a history of one phase without a target, and of epochs with one."""
    numbers = ("train_loss", "val_loss", "train_accuracy", "val_accuracy", "seconds", "rate")
    plain = {"epoch": 1, "epochs": 2, **dict.fromkeys(numbers, 0.5)}
    signs = {"information": 0.4, "entropy": 0.2, "source_accuracy": 0.9, "reverse_accuracy": 0.8}
    seen = [
        {**plain, "phase": "pseudo", "best": kept, "signs": {**signs, "guards": objected}}
        for objected, kept in zip(guards, best, strict=True)
    ]
    return {"history": [{**plain, "phase": "tune", "best": True, "signs": None}, *seen]}


def test_what_was_seen_of_a_moving_trunk_is_drawn_epoch_by_epoch() -> None:
    found = watched_picture(watched([[], []], [True, False]))
    assert {"information", "entropy", "source accuracy", "reverse accuracy"} <= texts(found)
    assert "What was seen while the trunk moved" in render({**result(), **watched([[]], [True])})


def test_a_guard_that_objected_adds_a_mark_in_both_panels() -> None:
    plain = watched_picture(watched([[], []], [True, False]))
    objected = watched_picture(watched([[], ["narrow"]], [True, False]))
    assert len(objected) > len(plain)


def test_where_no_trunk_moved_there_is_no_such_picture() -> None:
    assert watched_picture(result()) == ""
    assert watched_picture({"history": [{"phase": "tune", "best": True, "signs": None}]}) == ""


def test_the_first_tile_says_what_is_kept_and_how_good_it_is_where_that_was_asked_for() -> None:
    methods: list[dict[str, Any]] = [{"name": "source_only"}, {"name": "mcc"}]
    document = {"methods": methods, "chosen": "mcc"}
    assert kept_words(document) == {"big": "mcc", "small": "is kept, of 2 methods tried"}
    methods[0]["oracle"] = {"accuracy": {"value": 0.5}}
    methods[1]["oracle"] = {"accuracy": {"value": 0.75}}
    assert kept_words(document)["big"] == "75.0 %"
    assert kept_words({"strategy": "head"}) == {}


def test_numbers_are_explained_only_where_they_stand_in_the_picture() -> None:
    few, sentence = result(), "Numbers stand at the means"
    assert numbered(few) == [1, 2]
    assert sentence in render(few)
    many = {**few["projection"], "classes": list(range(13))}
    for name in ("before", "after"):
        many[name] = {"source": [[row, row] for row in range(13)], "target": points(1.0)}
    crowded = result(projection=many, classes=[f"class {n}" for n in range(13)])
    assert numbered(crowded) == []
    assert sentence not in render(crowded)
    assert not {"1", "13"} & texts(domains_picture(crowded))


def test_numbers_are_those_of_the_classes_that_rows_have() -> None:
    shown = {**result()["projection"], "classes": [row % 2 * 14 for row in range(12)]}
    some = result(projection=shown, classes=[f"class {n}" for n in range(15)])
    assert numbered(some) == [1, 15]
    assert "15 = <bdi>class 14</bdi>" in render(some)
