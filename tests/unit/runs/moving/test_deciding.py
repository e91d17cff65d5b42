"""Tests what labelled target rows decide where the trunk moves."""

from pathlib import Path
from typing import Any

import pytest

from regraft.runs.adapt import adapt
from regraft.runs.moving.deciding import spent
from regraft.runs.verify import verify
from tests import tiny

SOURCE = tiny.toy_texts(240)
TEXTS, LABELS = tiny.texts_elsewhere(40)
TARGET = (tiny.numbered(TEXTS), LABELS)


def test_a_stretch_s_seconds_are_noted_under_its_name() -> None:
    seconds: dict[str, float] = {}
    with spent(seconds, "train"):
        assert seconds == {}
    assert seconds["train"] >= 0


def test_labelled_target_rows_judge_what_moves_the_trunk_and_teach_what_reads_features(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regraft.adaptation import selection

    monkeypatch.setattr(selection, "objections", lambda evidence: {})
    options: Any = {"backbone": str(bert), "epochs": 1.0, "baselines": False, "freeze": 1}
    result = adapt(
        SOURCE,
        target=TARGET,
        method="standardise,dann",
        target_labels=20,
        score_target=True,
        out=tmp_path / "run",
        **options,
    )
    names = [entry["name"] for entry in result["methods"]]
    assert names == ["source_only", "standardise", "dann"]
    for entry in result["methods"]:
        right = 20 * entry["selection"]["labelled_accuracy"]
        assert right == pytest.approx(round(right))
        assert ("mistaken" in entry["guards"]) is (entry["name"] != "source_only")
    told = result["target_labels"]
    assert told["used_for_training"] == (20 if result["chosen"] == "standardise" else 0)
    assert told["used_for_selection"] == 20
    assert result["target"]["rows"] == {"used": 40, "scored": 20}
    assert verify(tmp_path / "run")["holds"]
