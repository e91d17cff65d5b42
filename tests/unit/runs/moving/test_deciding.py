"""Tests what is kept: what moved, a method on features of a moved trunk, or source-only."""

from pathlib import Path
from typing import Any

import pytest

from regraft.runs.adapt import adapt, run_adapt
from regraft.runs.evaluate import evaluate
from regraft.runs.moving.deciding import spent
from regraft.runs.verify import verify
from regraft.settings import AdaptSettings
from regraft.training.progress import Silent
from tests import tiny
from tests.unit.runs.moving.test_training import SOURCE, TARGET, USUAL, prefer


def test_seconds_are_noted_under_a_name() -> None:
    seconds: dict[str, float] = {}
    with spent(seconds, "train"):
        assert "train" not in seconds
    assert seconds["train"] >= 0


def test_images_move_too_and_a_method_on_features_may_win(resnet: Path, tmp_path: Path) -> None:
    source = tiny.image_folders(tmp_path / "source", 60)
    target = tiny.dim_folders(tmp_path / "target", 24)
    settings = AdaptSettings(
        data=str(source),
        target=str(target),
        backbone=str(resnet),
        strategy="full",
        method="coral-recolour",
        out=tmp_path / "run",
        **USUAL,
    )
    result = run_adapt(settings, Silent(), report=False)
    assert result["chosen"] in ("coral_recolour", "source_only")
    assert verify(tmp_path / "run")["holds"]


def test_a_method_on_features_is_folded_into_the_head_of_a_moved_trunk(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regraft.adaptation import selection

    monkeypatch.setattr(selection, "objections", lambda evidence: {})
    options: Any = {"backbone": str(bert), "freeze": 1, "score_target": True, **USUAL}
    result = adapt(SOURCE, target=TARGET, method="standardise", out=tmp_path / "run", **options)
    assert result["chosen"] == "standardise"
    assert [phase["name"] for phase in result["plan"]["phases"]] == ["head", "tune", "adapt"]
    assert verify(tmp_path / "run") == {"holds": True, "faults": [], "stretches": 3}
    scored = evaluate(tmp_path / "run", TARGET)["scores"]["test"]["accuracy"]["value"]
    assert scored == pytest.approx(result["scores"]["target"]["accuracy"]["value"], abs=0.02)


def test_norms_of_a_moved_trunk_may_take_the_target_s_statistics(
    resnet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regraft.adaptation.decision import choose
    from regraft.runs.moving import deciding

    monkeypatch.setattr(deciding, "choose", lambda judged, lost: choose(judged[1:], lost=lost))
    settings = AdaptSettings(
        data=str(tiny.image_folders(tmp_path / "source", 60)),
        target=str(tiny.dim_folders(tmp_path / "target", 24)),
        backbone=str(resnet),
        freeze=1,
        method="adabn",
        out=tmp_path / "run",
        **USUAL,
    )
    result = run_adapt(settings, Silent(), report=False)
    assert result["chosen"] == "adabn"
    kinds = [event["kind"] for event in result["freezing"]["ledger"]]
    assert kinds.count("buffers") == 1
    assert verify(tmp_path / "run")["faults"] == []


def test_source_only_is_kept_where_the_guards_drop_what_moved(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regraft.runs.fit import fit

    prefer(monkeypatch, moved=False)
    options: Any = {"backbone": str(bert), **USUAL}
    result = adapt(SOURCE, target=TARGET[0], method="mcc", out=tmp_path / "a", **options)
    assert result["chosen"] == "source_only"
    assert "it is not wanted here" in result["reason"]
    assert verify(tmp_path / "a")["holds"]
    # It is the network that `fit` makes, but for the decay of words that only the target has.
    same = fit(SOURCE, strategy="two-stage", out=tmp_path / "b", **options)
    found = [
        evaluate(tmp_path / name, TARGET)["scores"]["test"]["log_loss"]["value"] for name in "ab"
    ]
    assert found[0] == pytest.approx(found[1], abs=1e-3)
    assert result["scores"]["val"]["accuracy"] == same["scores"]["val"]["accuracy"]


def test_one_half_of_the_labelled_rows_teaches_what_moves_the_trunk_the_other_judges(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regraft.adaptation import selection

    monkeypatch.setattr(selection, "objections", lambda evidence: {})
    texts, labels = tiny.texts_elsewhere(40)
    options: Any = {"backbone": str(bert), "epochs": 1.0, "baselines": False, "freeze": 1}
    result = adapt(
        tiny.toy_texts(240),
        target=(tiny.numbered(texts), labels),
        method="standardise,dann",
        target_labels=20,
        score_target=True,
        out=tmp_path / "run",
        **options,
    )
    names = [entry["name"] for entry in result["methods"]]
    assert names == ["source_only", "standardise", "dann"]
    for entry in result["methods"]:
        right = 10 * entry["selection"]["labelled_accuracy"]
        assert right == pytest.approx(round(right))
        assert ("mistaken" in entry["guards"]) is (entry["name"] != "source_only")
    told = result["target_labels"]
    taught = {"source_only": 0, "standardise": 20, "dann": 10}
    assert told["used_for_training"] == taught[result["chosen"]]
    assert told["used_for_selection"] == 10
    assert result["target"]["rows"] == {"used": 40, "scored": 20}
    assert verify(tmp_path / "run")["holds"]


def test_a_method_on_features_that_diverged_is_left_out_where_another_moves_the_trunk(
    bert: Path, tmp_path: Path
) -> None:
    options: Any = {"backbone": str(bert), "freeze": 1, **USUAL, "epochs": 1.0}
    words = "vae:rate=1e30,mcc"
    result = adapt(SOURCE, target=TARGET[0], method=words, out=tmp_path / "run", **options)
    assert [entry["name"] for entry in result["methods"]] == ["source_only", "mcc"]
