"""The document of a shift: plain data, and sentences that say what they mean."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from regraft.runs.shifting.comparison import compare_domains
from regraft.runs.shifting.document import sentences, shift_document
from tests.unit.reports.example_shift import example_shift
from tests.unit.runs.shifting.conftest import Gather


@pytest.mark.parametrize("tested", [True, False])
def test_whether_proportions_were_tested_is_what_the_comparison_says(
    gathered: Gather, tested: bool
) -> None:
    prepared, target, found = gathered()
    compared = replace(compare_domains(found, seed=0), evened=None, tested=tested)
    document = shift_document(compared, found, prepared=prepared, target=target)
    assert document["proportions_tested"] is tested
    assert ("It is not one of proportions alone." in document["sentences"]) is tested


@pytest.fixture(scope="module")
def made(gathered: Gather) -> dict[str, Any]:
    """The document of texts that differ."""
    prepared, target, found = gathered()
    return shift_document(compare_domains(found, seed=0), found, prepared=prepared, target=target)


def test_the_document_is_plain_data(made: dict[str, Any]) -> None:
    assert json.loads(json.dumps(made)) == made
    assert made["verdict"] == "shift"
    assert made["target"]["rows"] == {"used": 60, "scored": 60}
    assert set(made["proportions"]) == {"neg", "pos"}
    assert made["oracle"]["rows"] == 60


def test_words_and_lengths_that_differ_are_named(made: dict[str, Any]) -> None:
    marking = made["differences"]["words"]
    assert "number" in [each["word"] for each in marking["source"]]
    assert {"they", "say"} <= {each["word"] for each in marking["target"]}
    assert "words" in [each["name"] for each in made["differences"]["numbers"]]


def told(**more: Any) -> list[str]:
    names = {"data": {"name": "films"}, "target": {"name": "meals"}}
    return sentences({**example_shift(), **names, **more})


def test_a_shift_is_told_with_its_words() -> None:
    first, second, third, last = told()
    assert first == (
        "There is a shift: a classifier that tells films from meals is right on 75.0% of rows, "
        "where chance reaches 55.0% at most."
    )
    assert second == "It is not one of proportions alone."
    assert third == "Words of the target: soup."
    assert last.endswith("right on 75% of the target (from 70% to 80%), beside 75% of the source.")


def test_no_shift_is_told_without_differences() -> None:
    first, last = told(verdict="no shift")
    assert first.startswith("No shift is seen")
    assert last.startswith("A classifier of the source's labels is expected")


def test_rows_that_could_never_tell_are_no_verdict(gathered: Gather) -> None:
    prepared, target, found = gathered()
    again = np.arange(len(found.target)) % 3
    few = replace(found, target=found.target.take(again))
    made = shift_document(compare_domains(few, seed=0), few, prepared=prepared, target=target)
    assert made["verdict"] == "too few rows"
    assert made["sentences"][0].endswith(" of each, and 7 are needed.")
    assert made["sentences"][0].startswith("There are too few different rows to tell ")
    assert len(made["sentences"]) == 2


def test_a_shift_of_proportions_alone_is_called_so() -> None:
    assert told(only_proportions=True)[1].startswith("Only the proportions of the classes differ")


def test_where_proportions_could_not_be_tested_nothing_is_claimed() -> None:
    assert told(proportions_tested=False)[1].startswith("Whether it is one of proportions alone")


def test_large_effects_are_named_and_pictures_have_no_words() -> None:
    large = {"value": -1.2, "low": -1.4, "high": -1.0}
    numbers = [{"name": "brightness", "source": 1.0, "target": 0.5, "effect": large}]
    assert told(differences={"numbers": numbers})[2] == "Largely different: brightness."
