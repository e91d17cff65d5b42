"""`cache` shows what is kept, and drops it."""

import json

import pytest

from tests.unit.cli.conftest import Stand, Type

STORE = {"key": "ab" * 32, "rows": 12, "bytes": 3_500_000, "used": "2026-11-25T20:00:00+00:00"}
FOUND = {"folder": "/cache/features", "bytes": 3_500_000, "limit": 20 * 10**9, "stores": [STORE]}


@pytest.fixture(autouse=True)
def kept(stand_in: Stand) -> None:
    stand_in("cache:list_cache", FOUND)
    stand_in("cache:prune_cache", 1_000_000)
    stand_in("cache:clear_cache", 3_500_000)


def test_without_an_action_the_stores_are_listed(typed: Type) -> None:
    out = typed("cache").out
    assert "/cache/features" in out
    assert "3.5 MB of 20,000.0 MB" in out
    assert out.splitlines()[-1].split()[:4] == ["abababababab", "12", "3.5", "MB"]


def test_json_is_one_document(typed: Type) -> None:
    assert json.loads(typed("cache", "list", "--json").out) == FOUND
    assert json.loads(typed("cache", "clear", "--json").out) == {"freed_bytes": 3_500_000}


@pytest.mark.parametrize(("action", "freed"), [("prune", "1.0 MB"), ("clear", "3.5 MB")])
def test_what_was_freed_is_told(action: str, freed: str, typed: Type) -> None:
    assert typed("cache", action).out == f"{freed} freed\n"


def test_an_unknown_action_is_met_with_the_nearest(typed: Type) -> None:
    outcome = typed("cache", "clean")
    assert outcome.code == 2
    assert "try clear" in outcome.err
