"""Decides whether the proof of a finished run holds, from its ledger and its weights."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from torch import Tensor

from regraft.freezing.ledger import AFTER, BEFORE, CHANGES
from regraft.freezing.proof import Stretch, digest, stretch_from_json

Document = Mapping[str, Any]
LAST = ("merge", "average", "restore")
"""What may be done to the weights when training is over, the last one first."""


def faults_of(freezing: Document, weights: dict[str, Tensor], *, sha256: str) -> list[str]:
    """Returns what speaks against the proof, a sentence each; empty where it holds.

    Args:
        freezing: `result["freezing"]` of the run.
        weights: The saved weights, by their names in the state dict.
        sha256: Of the file of weights.
    """
    stretches = [stretch_from_json(each) for each in freezing["proof"]["stretches"]]
    events = {event["kind"]: event for event in freezing["ledger"]}
    restored = events["restore"]["digests"]
    found = [fault for stretch in stretches for fault in stretch.faults]
    changes = [event for event in freezing["ledger"] if event["kind"] in CHANGES]
    found += _between(stretches, changes)
    found += _only_buffers(changes)
    found += _restored(stretches, restored, step=events["restore"]["step"])
    last = next(events[kind] for kind in LAST if kind in events)
    if digest(weights) != last["digests"]["network"]:
        found.append("the saved weights are not those that training left")
    if events["saved"]["digests"]["model.safetensors"] != sha256:
        found.append("the file of weights was changed after it was saved")
    return found


def _between(stretches: list[Stretch], changes: list[Document]) -> list[str]:
    """Returns the blocks that are frozen in two stretches and changed from one to the next.

    A change that the ledger has an entry of, with the digest of what came out, is none.
    """
    told = {(name, sha) for event in changes for name, sha in event["digests"].items()}
    return [
        f"{name}: frozen, and changed between {early.phase} and {late.phase}"
        for early, late in pairwise(stretches)
        for name in early.after.keys() & late.before.keys()
        if early.after[name] != late.before[name] and (name, late.before[name]) not in told
    ]


def _only_buffers(changes: list[Document]) -> list[str]:
    """Returns the entries that exchanged buffers, and in truth parameters as well."""
    return [
        f"{event['phase']}: buffers were to change, and parameters did"
        for event in changes
        if event["kind"] == "buffers" and event["digests"][BEFORE] != event["digests"][AFTER]
    ]


def _restored(stretches: list[Stretch], restored: Document, *, step: int) -> list[str]:
    """Returns the blocks that were frozen at the best checkpoint and are not what they were."""
    at_best = [s for s in stretches if s.start <= step]
    if not at_best:
        return []
    return [
        f"{name}: frozen, and changed after training"
        for name, frozen in at_best[-1].after.items()
        if name in restored and restored[name] != frozen
    ]
