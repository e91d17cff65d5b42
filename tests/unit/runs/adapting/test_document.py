"""Tests what the result document says of an adaptation."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from regraft.adaptation.decision import Decision, choose
from regraft.adaptation.preparation import Changed
from regraft.adaptation.table import SOURCE_ONLY
from regraft.runs.adapting.document import Adaptation, adaptation_document, beside
from regraft.runs.adapting.trying import try_methods
from regraft.runs.adapting.views import View, Views
from tests.unit.runs.adapting.conftest import Steps, nobody

BASE: dict[str, Any] = {
    "run": "r",
    "strategy": "head",
    "trained_share": 0.25,
    "scores": {"val": {}},
    "defaults": [{"name": "backbone"}, {"name": "epochs"}],
}


def made(steps: Steps, *, score: bool) -> Adaptation:
    prepared, trained, pools, target, domains = steps(score=score)
    judged, _ = try_methods(domains, [SOURCE_ONLY, "standardise"], say=nobody)
    return Adaptation(prepared, trained, domains, judged, choose(judged), pools, target)


def test_it_adds_methods_choice_and_target_to_that_of_a_run(steps: Steps) -> None:
    found = adaptation_document(made(steps, score=True), BASE, cheaper={})
    assert (found["run"], found["strategy"]) == ("r", "adapt")
    assert [entry["name"] for entry in found["methods"]] == ["source_only", "standardise"]
    assert found["chosen"] in ("source_only", "standardise")
    assert found["reason"]
    assert found["source_strategy"] == "head"
    assert set(found["scores"]) == {"val", "target"}
    assert found["target"]["rows"] == {"used": 40, "scored": 40}
    assert [choice["name"] for choice in found["defaults"]] == ["backbone"]
    assert [each["name"] for each in found["sources"]] == ["data"]
    assert sum(found["sources"][0]["rows"].values()) == 240
    assert "target_labels" not in found
    assert found["proportions"]["source"] == pytest.approx({"neg": 0.5, "pos": 0.5}, abs=0.01)


def test_it_shows_where_answers_moved_and_both_domains_before_and_after(steps: Steps) -> None:
    adaptation = made(steps, score=False)
    start, other = adaptation.judged
    kept = replace(adaptation, decision=Decision(other, "as a test wants"))
    found = adaptation_document(kept, BASE, cheaper={})
    counts = np.array(found["moved"])
    assert counts.sum(axis=1).tolist() == np.bincount(start.signs.predicted, minlength=2).tolist()
    assert counts.sum(axis=0).tolist() == np.bincount(other.signs.predicted, minlength=2).tolist()
    assert set(found["projection"]) == {"classes", "before", "after"}
    assert len(found["projection"]["after"]["target"]) == 40


def test_where_source_only_is_kept_nothing_moved(steps: Steps) -> None:
    adaptation = made(steps, score=False)
    kept = replace(adaptation, decision=Decision(adaptation.judged[0], "as a test wants"))
    found = adaptation_document(kept, BASE, cheaper={})
    assert "moved" not in found
    assert set(found["projection"]) == {"classes", "before"}


def test_nothing_in_it_needs_labels_unless_they_are_scored(steps: Steps) -> None:
    adaptation = made(steps, score=False)
    found = adaptation_document(adaptation, BASE, cheaper=beside(adaptation))
    assert set(found["scores"]) == {"val"}
    assert "oracle" not in found
    assert set(found["baselines"]) == {"majority", "classic", "linear_probe"}


def test_what_costs_less_is_scored_on_the_target_under_oracle(steps: Steps) -> None:
    found = beside(made(steps, score=True))
    assert found["oracle"]["rows"] == 40
    assert set(found["oracle"]["baselines"]) == {"majority", "classic", "linear_probe"}


def never() -> View:
    raise AssertionError("no method follows a preparation")


def test_weights_of_the_trunk_that_were_exchanged_count_as_trained(steps: Steps) -> None:
    plain = made(steps, score=False)
    trunk = plain.prepared.network.trunk
    name, weight = next(iter(trunk.named_parameters()))
    changed = Changed({name: weight.detach()})
    views = Views(View(plain.domains, plain.pools, changed), lambda preparation: never())
    moved = replace(plain, views=views)
    found = [adaptation_document(each, BASE, cheaper={}) for each in (plain, moved)]
    total = sum(p.numel() for p in plain.prepared.network.parameters())
    assert found[0]["trained_share"] == 0.25
    assert found[1]["trained_share"] == pytest.approx(0.25 + weight.numel() / total)
