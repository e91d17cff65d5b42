"""Tests the scores with target labels, and that there are none without."""

import pytest

from regraft.adaptation.table import SOURCE_ONLY
from regraft.runs.adapting.scored import (
    baseline_documents,
    method_documents,
    shown_name,
    target_scores,
)
from regraft.runs.adapting.trying import try_methods
from tests.unit.runs.adapting.conftest import Steps, nobody


def test_every_method_has_an_oracle_accuracy_where_labels_may_be_scored(steps: Steps) -> None:
    _, _, pools, target, domains = steps()
    judged, _ = try_methods(domains, [SOURCE_ONLY, "coral-recolour"], say=nobody)
    found = method_documents(judged, pools_of=lambda name: pools, target=target)
    assert [entry["name"] for entry in found] == ["source_only", "coral_recolour"]
    for entry, each in zip(found, judged, strict=True):
        accuracy = entry["oracle"]["accuracy"]
        right = each.adapted.on_target.logits(pools.target[target.scored]).argmax(axis=1)
        assert accuracy["value"] == pytest.approx((right == target.labels).mean())
        assert accuracy["low"] <= accuracy["value"] <= accuracy["high"]
        assert entry["passed"] is not any(entry["guards"].values())
    start, other = (entry["oracle"] for entry in found)
    assert "gain" not in start
    gain = other["accuracy"]["value"] - start["accuracy"]["value"]
    assert other["gain"]["value"] == pytest.approx(gain)
    assert other["gain"]["low"] <= gain <= other["gain"]["high"]
    scores = target_scores(judged[0], pools=pools, target=target)["target"]
    assert scores["accuracy"]["value"] == found[0]["oracle"]["accuracy"]["value"]


def test_without_labels_nothing_is_scored(steps: Steps) -> None:
    prepared, _, pools, target, domains = steps(score=False)
    judged, _ = try_methods(domains, [SOURCE_ONLY], say=nobody)
    assert "oracle" not in method_documents(judged, pools_of=lambda name: pools, target=target)[0]
    assert target_scores(judged[0], pools=pools, target=target) == {}
    source, oracle = baseline_documents(prepared, domains, pools=pools, target=target)
    assert set(source) == {"majority", "classic", "linear_probe"}
    assert oracle == {}


def test_baselines_know_the_source_alone_and_are_scored_on_both(steps: Steps) -> None:
    prepared, _, pools, target, domains = steps()
    source, oracle = baseline_documents(prepared, domains, pools=pools, target=target)
    assert source["majority"]["accuracy"]["value"] == pytest.approx(0.5, abs=0.1)
    assert oracle["majority"]["accuracy"]["value"] == 0.5
    assert oracle["classic"]["accuracy"]["value"] > 0.9
    assert 0 < source["linear_probe"]["trained_share"] < 1


def test_a_name_is_spelled_as_keys_are() -> None:
    assert shown_name("coral-recolour") == "coral_recolour"
