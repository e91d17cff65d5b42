"""`plan` prints phases and choices, and trains nothing."""

import json

from tests.unit.cli.conftest import Stand, Type
from tests.unit.reports.example_result import example_result


def test_phases_and_choices_are_printed_with_their_reasons(typed: Type, stand_in: Stand) -> None:
    result = example_result()
    verb = stand_in("plan:run_plan", {"plan": result["plan"], "defaults": result["defaults"]})
    outcome = typed("plan", "d.csv", "--epochs", "4")
    assert verb.calls[0][0].epochs == 4
    lines = outcome.out.splitlines()
    assert lines[2].split()[:4] == ["head", "6", "3", "1.0e-03"]
    assert lines[2].split("1\u2009155")[1].split() == ["<", "0.1", "%", "–"]
    assert "5.0e-06 to 1.0e-03" in lines[3]
    assert "99 % of the texts are shorter" in lines[-1]


def test_a_phase_that_is_solved_has_no_rates(typed: Type, stand_in: Stand) -> None:
    phase = {**example_result()["plan"]["phases"][0], "solved": True}
    stand_in("plan:run_plan", {"phases": [phase]})
    out = typed("plan", "d.csv").out
    assert "solved" in out
    assert "e-" not in out


def test_a_phase_that_shrinks_weights_says_by_how_much(typed: Type, stand_in: Stand) -> None:
    phase = dict(example_result()["plan"]["phases"][0])
    phase["groups"] = [{**group, "shrink": 0.001} for group in phase["groups"]]
    stand_in("plan:run_plan", {"phases": [phase]})
    assert "head, matrices shrink by up to 0.001 a step" in typed("plan", "d.csv").out


def test_what_auto_would_try_comes_before_the_phases(typed: Type, stand_in: Stand) -> None:
    tried = [{"words": "layerwise", "seconds": 125.0}]
    stand_in("plan:run_plan", {"phases": [], "auto": {"tried": tried}})
    lines = typed("plan", "d.csv", "--strategy", "auto").out.splitlines()
    assert lines[2].split("  ")[0].strip() == "layerwise"
    assert "2 min 05 s" in lines[2]
    assert "The first of them:" in lines


def test_json_is_the_whole_document(typed: Type, stand_in: Stand) -> None:
    stand_in("plan:run_plan", {"phases": []})
    assert json.loads(typed("plan", "d.csv", "--json").out) == {"phases": []}


def test_blocks_are_listed_and_numbers_are_short(typed: Type, stand_in: Stand) -> None:
    positions = [{"position": 1, "name": "encoder.layer.0", "parameters": 1234}]
    defaults = [{"name": "layer_decay", "value": 0.858374218932557, "reason": "usual"}]
    stand_in("plan:run_plan", {"phases": [], "positions": positions, "defaults": defaults})
    out = typed("plan", "d.csv").out
    assert "encoder.layer.0" in out
    assert "0.8584" in out
    assert "0.85837" not in out
