"""Tests that the ledger keeps every entry, in order, as plain data."""

import json

from regraft.freezing.ledger import MOVES, Event, Ledger


def test_entries_are_kept_in_order() -> None:
    ledger = Ledger()
    events = [Event(0, "head", "freeze", 3), Event(0, "tune", "thaw", 1)]
    for event in events:
        ledger.note(event)
    assert ledger.events == events


def test_two_ledgers_share_no_entries() -> None:
    first, second = Ledger(), Ledger()
    first.note(Event(0, "head", "freeze", 3))
    assert second.events == []


def test_entries_become_plain_data() -> None:
    ledger = Ledger()
    ledger.note(Event(7, "tune", "restore", 1, {"network": "ab"}))
    written = json.loads(json.dumps(ledger.as_json()))
    assert written == [
        {"step": 7, "phase": "tune", "kind": "restore", "line": 1, "digests": {"network": "ab"}}
    ]


def test_only_freezing_and_thawing_move_the_line() -> None:
    assert MOVES == ("freeze", "thaw", "threshold")
