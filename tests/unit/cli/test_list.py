"""`list` prints what can be named."""

import json

import pytest

from tests.unit.cli.conftest import Stand, Type


@pytest.fixture(autouse=True)
def listing(stand_in: Stand) -> None:
    stand_in("listing:list_backbones", [{"name": "starter:minilm", "width": 384, "note": None}])
    stand_in("listing:list_datasets", [{"name": "starter:reviews", "classes": ["bad", "good"]}])
    stand_in("listing:list_methods", [{"name": "mcc"}])
    stand_in("listing:list_strategies", [{"name": "two-stage"}])


def test_one_kind_is_listed_alone(typed: Type) -> None:
    lines = typed("list", "backbones").out.splitlines()
    assert lines[2].split() == ["name", "width", "note"]
    assert lines[4].split() == ["starter:minilm", "384"]
    assert "two-stage" not in lines


def test_all_kinds_are_listed_without_a_name(typed: Type) -> None:
    out = typed("list").out
    for words in ("starter:minilm", "bad, good", "two-stage"):
        assert words in out


def test_json_is_one_document(typed: Type) -> None:
    assert json.loads(typed("list", "strategies", "--json").out) == {
        "strategies": [{"name": "two-stage"}]
    }


def test_an_unknown_kind_is_met_with_the_nearest(typed: Type) -> None:
    outcome = typed("list", "backbone")
    assert outcome.code == 2
    assert "try backbones" in outcome.err


def test_licence_size_and_origin_are_in_the_table(typed: Type, stand_in: Stand) -> None:
    entry = {
        "name": "starter:minilm",
        "licence": "Apache-2.0",
        "package": "tiny==1.0",
        "origin": "somebody's checkpoints, " + "ported by " * 3 + "somebody else",
        "bytes": 90_261_504,
        "download_bytes": 87_140_000,
        "cached": False,
    }
    stand_in("listing:list_backbones", [entry, dict.fromkeys(entry) | {"name": "timm:NAME"}])
    lines = typed("list", "backbones").out.splitlines()
    assert lines[2].split() == ["name", "licence", "origin", "MB", "cached"]
    cells = lines[4].split("  ")
    assert [cell.strip() for cell in cells if cell] == [
        "starter:minilm",
        "Apache-2.0",
        "somebody's checkpoints, ported by porte…",
        "87.1",
        "False",
    ]
    assert lines[5] == "timm:NAME"
    assert json.loads(typed("list", "backbones", "--json").out)["backbones"][0] == entry
