"""Tests the table of an adaptation, with and without oracle scores."""

from typing import Any

from regraft.reports.methods import HEADERS, ORACLE, chosen_line, headers, lines

ACCURACY = {"value": 0.75, "low": 0.7, "high": 0.8}


def entry(name: str, reason: str = "", **more: Any) -> dict[str, Any]:
    selection = {"information": 0.5, "agreement": 0.9, "source_accuracy": 0.875}
    guards = {"narrow": reason, "stranger": ""}
    return {"name": name, "selection": selection, "guards": guards, "seconds": 1.5, **more}


def result(**more: Any) -> dict[str, Any]:
    methods = [entry("source_only", **more), entry("mcc", "it is narrow", **more)]
    return {"methods": methods, "chosen": "source_only"}


def test_without_target_labels_no_column_of_theirs_is_there() -> None:
    assert headers(result()) == list(HEADERS)
    assert lines(result())[0] == ["source_only", "0.500", "0.900", "0.875", "passed", "1.5 s"]
    assert lines(result())[1][4] == "narrow"


def test_oracle_scores_are_called_so() -> None:
    scored = result(oracle={"accuracy": ACCURACY})
    assert headers(scored)[-1] == ORACLE == "oracle accuracy"
    assert lines(scored)[1][-1] == "75.0 % [70.0, 80.0]"


def test_what_costs_less_comes_first() -> None:
    classic = {"name": "TF-IDF", "accuracy": ACCURACY, "seconds": 0.2}
    oracle = {"oracle": {"baselines": {"classic": classic}}}
    scored = {**result(oracle={"accuracy": ACCURACY}), **oracle}
    found = lines(scored)
    assert found[0] == ["TF-IDF", "–", "–", "–", "–", "0.2 s", "75.0 % [70.0, 80.0]"]
    assert all(len(line) == len(headers(scored)) for line in found)
    assert chosen_line(scored) == 1


def test_a_document_of_another_verb_has_no_lines() -> None:
    assert lines({}) == []
    assert chosen_line({}) == -1
