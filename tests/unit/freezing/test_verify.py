"""Tests what speaks against a proof: stretches, what lies between, what was restored."""

from typing import Any

import pytest
import torch

from regraft.freezing.ledger import AFTER, BEFORE
from regraft.freezing.proof import Stretch, digest
from regraft.freezing.verify import faults_of

WEIGHTS = {"trunk.stem.weight": torch.ones(3)}


def freezing(*stretches: Stretch, restored: str = "a", step: int = 9) -> dict[str, Any]:
    digests = {"stem": restored, "network": digest(WEIGHTS)}
    return {
        "proof": {"stretches": [stretch.as_json() for stretch in stretches]},
        "ledger": [
            *map(moved, stretches),
            {"kind": "restore", "phase": stretches[-1].phase, "step": step, "digests": digests},
            {"kind": "saved", "step": step, "digests": {"model.safetensors": "file"}},
        ],
    }


def moved(stretch: Stretch) -> dict[str, Any]:
    place = {"step": stretch.start, "phase": stretch.phase, "line": len(stretch.before)}
    return {"kind": "freeze", **place, "digests": dict(stretch.before)}


def held(phase: str, before: str, after: str, start: int = 0) -> Stretch:
    return Stretch(phase, {"stem": before}, {"stem": after}, start, start + 5)


def faults(document: dict[str, Any], sha256: str = "file") -> list[str]:
    return faults_of(document, WEIGHTS, sha256=sha256)


def test_what_stood_still_has_no_faults() -> None:
    assert faults(freezing(held("head", "a", "a"), held("tune", "a", "a", 5))) == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (freezing(held("tune", "a", "b"), restored="b"), "tune: stem frozen, and changed"),
        (freezing(held("head", "a", "a"), held("tune", "b", "b"), restored="b"), "between head"),
        (freezing(held("tune", "a", "a"), restored="b"), "frozen, and changed after training"),
    ],
)
def test_each_change_of_a_frozen_block_is_told(document: dict[str, Any], words: str) -> None:
    assert any(words in fault for fault in faults(document))


def test_a_block_that_froze_after_the_best_checkpoint_may_differ_in_it() -> None:
    early = Stretch("tune", {}, {}, 0, 5)
    late = held("tune", "a", "a", start=5)
    assert faults(freezing(early, late, restored="older", step=3)) == []


def test_other_weights_and_another_file_are_told() -> None:
    whole = freezing(held("tune", "a", "a"))
    assert "after it was saved" in faults(whole, sha256="other")[0]
    whole["ledger"][-2]["digests"]["network"] = "0"
    assert "not those that training left" in faults(whole)[0]


def exchanged(kind: str, *, stem: str, before: str = "p", after: str = "p") -> dict[str, Any]:
    """Returns an adaptation of which the ledger says that a frozen block was exchanged."""
    document = freezing(held("head", "a", "a"), held("adapt", "b", "b", 5), restored="b")
    digests = {"stem": stem, BEFORE: before, AFTER: after}
    document["ledger"].insert(0, {"kind": kind, "step": 5, "phase": "adabn", "digests": digests})
    return document


@pytest.mark.parametrize("kind", ["buffers", "weights"])
def test_a_change_that_the_ledger_tells_of_is_no_fault(kind: str) -> None:
    assert faults(exchanged(kind, stem="b")) == []


def test_another_change_than_the_ledger_tells_of_is_one() -> None:
    assert "stem: frozen, and changed between head" in faults(exchanged("buffers", stem="c"))[0]


def test_parameters_that_moved_where_buffers_were_to_are_one() -> None:
    found = faults(exchanged("buffers", stem="b", after="q"))
    assert found == ["adabn: buffers were to change, and parameters did"]
    assert faults(exchanged("weights", stem="b", after="q")) == []


def test_every_move_in_the_ledger_begins_a_stretch_that_was_watched() -> None:
    whole = freezing(held("head", "a", "a"), held("tune", "a", "a", 5))
    whole["proof"]["stretches"].pop()
    assert "are not those that were watched" in faults(whole)[0]
    whole = freezing(held("tune", "a", "a"))
    whole["ledger"][0]["line"] = 2
    assert "are not those that were watched" in faults(whole)[0]
    whole = freezing(held("tune", "a", "a"))
    whole["ledger"][0]["digests"]["stem"] = "0"
    assert faults(whole) == ["stem: not what the ledger says at the start of tune"]


def test_the_best_checkpoint_may_be_of_an_earlier_phase() -> None:
    head, tune = Stretch("head", {"stem": "a"}, {"stem": "a"}), Stretch("tune", {}, {}, 0, 5)
    whole = freezing(head, tune, restored="b", step=0)
    whole["ledger"][-2]["phase"] = "head"
    assert faults(whole) == ["stem: frozen, and changed after training"]


@pytest.mark.parametrize(("averaged", "holds"), [("a", True), ("b", False)])
def test_an_average_leaves_what_was_frozen_throughout(averaged: str, holds: bool) -> None:
    whole = freezing(held("head", "a", "a"), held("tune", "a", "a", 5))
    digests = {"stem": averaged, "network": digest(WEIGHTS)}
    whole["ledger"].append({"kind": "average", "phase": "tune", "step": 9, "digests": digests})
    found = faults(whole)
    assert (not found) is holds
    assert all("changed by the average" in fault for fault in found)


def test_an_average_may_change_what_froze_on_the_way() -> None:
    whole = freezing(Stretch("tune", {}, {}, 0, 5), held("tune", "a", "a", 5), step=7)
    digests = {"stem": "b", "network": digest(WEIGHTS)}
    whole["ledger"].append({"kind": "average", "phase": "tune", "step": 9, "digests": digests})
    assert faults(whole) == []


def test_what_thaws_is_what_it_was_when_it_was_frozen() -> None:
    document = freezing(held("head", "a", "a"), Stretch("tune", {}, {}, 5, 9))
    entry = document["ledger"][1]
    entry.update(kind="thaw", digests={"stem": "a"})
    assert faults(document) == []
    entry["digests"] = {"stem": "b"}
    assert faults(document) == ["stem: frozen, and changed between head and tune"]


def test_what_a_later_phase_freezes_may_differ_from_the_average_that_was_kept() -> None:
    """The checkpoint ends its phase with the average of what the next one freezes as it is."""
    early, late = Stretch("tune", {}, {}, 0, 5), held("more", "as it was", "as it was", 5)
    whole = freezing(early, late, restored="its average", step=5)
    whole["ledger"][-2]["phase"] = "tune"
    assert faults(whole) == []
