"""`verify` says whether the proof holds, and exits with 4 where it does not."""

import json
from pathlib import Path

from tests.unit.cli.conftest import Stand, Type

HOLDS = {"holds": True, "faults": [], "stretches": 2}
FAILS = {"holds": False, "faults": ["tune: stem frozen, and changed"], "stretches": 2}


def test_a_proof_that_holds_ends_well(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("verify:verify", HOLDS)
    outcome = typed("verify", "runs/a")
    assert (outcome.code, outcome.out) == (0, "verified: 2 stretches\n")
    assert verb.calls == [(Path("runs/a"),)]


def test_a_proof_that_fails_says_why_and_exits_with_4(typed: Type, stand_in: Stand) -> None:
    stand_in("verify:verify", FAILS)
    outcome = typed("verify", "runs/a")
    assert (outcome.code, outcome.out) == (4, "not verified\ntune: stem frozen, and changed\n")


def test_json_gives_the_faults(typed: Type, stand_in: Stand) -> None:
    stand_in("verify:verify", FAILS)
    outcome = typed("verify", "runs/a", "--json")
    assert (outcome.code, json.loads(outcome.out)) == (4, FAILS)
