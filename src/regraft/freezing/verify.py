"""Decides whether the proof of a finished run holds, from its ledger and its weights."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, zip_longest
from typing import Any

from torch import Tensor

from regraft.freezing.cost import line_in
from regraft.freezing.ledger import AFTER, BEFORE, CHANGES, MOVES
from regraft.freezing.proof import Stretch, digest, stretch_from_json

Document = Mapping[str, Any]
UNPROVED = "the proof does not hold"
"""Said in a warning, before the first fault."""
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
    found = faults_seen(stretches, freezing["ledger"])
    last = next(events[kind] for kind in LAST if kind in events)
    if digest(weights) != last["digests"]["network"]:
        found.append("the saved weights are not those that training left")
    if events["saved"]["digests"]["model.safetensors"] != sha256:
        found.append("the file of weights was changed after it was saved")
    return found


def faults_seen(stretches: list[Stretch], ledger: Sequence[Document]) -> list[str]:
    """Returns what speaks against the proof but for the saved weights, a sentence each.

    Args:
        stretches: All that were watched, in order.
        ledger: Its entries as plain data.
    """
    events = {event["kind"]: event for event in ledger}
    changes = [event for event in ledger if event["kind"] in CHANGES]
    moves = [event for event in ledger if event["kind"] in MOVES]
    return [
        *(fault for stretch in stretches for fault in stretch.faults),
        *_unlike(stretches, ledger),
        *_between(stretches, changes, moves),
        *_only_buffers(changes),
        *_restored(stretches, events["restore"]),
        *_averaged(stretches, events.get("average", {})),
    ]


def _between(stretches: list[Stretch], changes: list[Document], moves: list[Document]) -> list[str]:
    """Returns the blocks that are frozen in two stretches and changed from one to the next.

    A change that the ledger has an entry of, with the digest of what came out, is none.
    """
    told = {(name, sha) for event in changes for name, sha in event["digests"].items()}
    # What thaws is in no stretch that follows, but in the entry that lets it go.
    found = [
        (name, early, late)
        for early, late, then in _turns(stretches, moves)
        for name in early.after.keys() & then.keys()
        if early.after[name] != then[name] and (name, then[name]) not in told
    ]
    return [
        f"{name}: frozen, and changed between {early.phase} and {late.phase}"
        for name, early, late in found
    ]


def _turns(
    stretches: list[Stretch], moves: list[Document]
) -> Iterator[tuple[Stretch, Stretch, Mapping[str, str]]]:
    """Yields two stretches that follow each other, and digests of the blocks between them."""
    entries = [move["digests"] for move in moves[1:]]
    for (early, late), entry in zip_longest(
        pairwise(stretches), entries[: max(len(stretches) - 1, 0)]
    ):
        yield early, late, {**(entry or {}), **late.before}


def _only_buffers(changes: list[Document]) -> list[str]:
    """Returns the entries that exchanged buffers, and in truth parameters as well."""
    return [
        f"{event['phase']}: buffers were to change, and parameters did"
        for event in changes
        if event["kind"] == "buffers" and event["digests"][BEFORE] != event["digests"][AFTER]
    ]


def _unlike(stretches: list[Stretch], ledger: Sequence[Document]) -> list[str]:
    """Returns where the ledger and what was watched do not go together.

    Each move of the line begins a stretch, whose blocks are what the ledger says they are.
    """
    moves = [event for event in ledger if event["kind"] in MOVES]
    told = [(event["step"], event["phase"], event["line"]) for event in moves]
    if told != [(each.start, each.phase, line_in(each)) for each in stretches]:
        return ["the moves of the line in the ledger are not those that were watched"]
    return [
        f"{name}: not what the ledger says at the start of {stretch.phase}"
        for event, stretch in zip(moves, stretches, strict=True)
        for name, sha in event["digests"].items()
        if stretch.before.get(name, sha) != sha
    ]


def _restored(stretches: list[Stretch], event: Document) -> list[str]:
    """Returns the blocks that were frozen at the best checkpoint and are not what they were."""
    restored, step = event["digests"], event["step"]
    own = [s for s in stretches if s.phase == event["phase"] and s.start <= step]
    # Two stretches may share the moment: one ends there, and another begins. Not that of a
    # later phase: it froze the weights that moved, and the checkpoint may hold their average.
    at_best = [*[s for s in own if step <= s.stop][:1], *own[-1:]]
    changed = {
        name: None
        for stretch in at_best
        for name, frozen in stretch.after.items()
        if restored.get(name, frozen) != frozen
    }
    return [f"{name}: frozen, and changed after training" for name in changed]


def _averaged(stretches: list[Stretch], event: Document) -> list[str]:
    """Returns the blocks that were frozen throughout, and that an average changed."""
    digests = event.get("digests", {})
    return [
        f"{name}: frozen throughout, and changed by the average"
        for name, frozen in (stretches[0].before.items() if stretches else ())
        if all(name in stretch.before for stretch in stretches)
        and digests.get(name, frozen) != frozen
    ]
