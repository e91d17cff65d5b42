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
            {"kind": "restore", "step": step, "digests": digests},
            {"kind": "saved", "step": step, "digests": {"model.safetensors": "file"}},
        ],
    }


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
    whole["ledger"][0]["digests"]["network"] = "0"
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
