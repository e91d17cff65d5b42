import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from regraft.backbones.modes import Mode
from regraft.freezing.cost import block_flops
from regraft.runs.fit import fit, run_fit
from regraft.runs.fitting import result as result_module
from regraft.runs.fitting.result import environment, saved_backward_share, surroundings
from regraft.runs.fitting.train import Trained
from regraft.runs.report import read_result
from regraft.settings import FitSettings
from regraft.training.loop import work
from regraft.training.moving.lines import sample_of
from regraft.training.phase import Phase
from regraft.training.precision import Verdict
from regraft.training.progress import Silent
from regraft.training.session import Session
from tests import tiny
from tests.tiny_sessions import grafted, session

SCORES = {"accuracy", "macro_f1", "balanced_accuracy", "log_loss", "ece"}


@pytest.fixture(scope="module")
def result(text_run: Path) -> dict[str, Any]:
    return read_result(text_run)


def test_it_has_every_key_that_is_promised(result: dict[str, Any]) -> None:
    promised = "run data backbone strategy seed scores baselines seconds trained_share freezing"
    assert {*promised.split(), "cache", "environment"} <= set(result)
    assert {"total", "data", "probe", "train", "evaluate"} <= set(result["seconds"])
    freezing = {"line", "saved_backward_share", "ledger", "proof"}
    assert freezing <= set(result["freezing"])
    cache = {
        "advanced",
        "hit",
        "read",
        "computed",
        "checked",
        "fill_seconds",
        "bytes",
        "trouble",
        "worth",
    }
    assert set(result["cache"]) == cache


def test_every_set_of_scores_is_whole(result: dict[str, Any]) -> None:
    sets = [*result["scores"].values(), *result["baselines"].values()]
    assert len(sets) == 5
    for scores in sets:
        assert set(scores) >= SCORES
        for name in SCORES:
            found = scores[name]
            assert found["low"] <= found["value"] <= found["high"] or name == "ece"


def test_the_counts_of_the_confusion_are_the_test_rows(result: dict[str, Any]) -> None:
    assert sum(map(sum, result["confusion"])) == result["data"]["rows"]["test"] == 24
    right = sum(result["confusion"][i][i] for i in range(2))
    assert right / 24 == result["scores"]["test"]["accuracy"]["value"]
    assert [entry["class"] for entry in result["per_class"]] == result["classes"]


def test_the_ledger_ends_with_the_saved_weights(text_run: Path, result: dict[str, Any]) -> None:
    config = json.loads((text_run / "model" / "config.json").read_text("utf-8"))
    last = result["freezing"]["ledger"][-1]
    assert last["kind"] == "saved"
    assert last["digests"] == {"model.safetensors": config["weights"]["sha256"]}


def test_the_share_that_was_trained_is_that_of_the_weights_that_are_kept(
    result: dict[str, Any],
) -> None:
    shares = {phase["name"]: phase["share"] for phase in result["plan"]["phases"]}
    assert shares["tune"] == 1.0
    assert result["trained_share"] == shares[result["best"]["phase"]]
    assert result["freezing"]["saved_backward_share"] == 0
    assert result["freezing"]["line"] in (0, 3)


def test_the_gain_is_said_in_points(result: dict[str, Any]) -> None:
    points = 100 * result["gain"]["difference"]
    assert f"two-stage is {points:+.1f} points" in result["gain"]["sentence"]
    assert result["gain"]["of"] == "accuracy"


def test_the_environment_names_what_a_figure_depends_on(verdict: Verdict) -> None:
    found = environment(verdict)
    assert found["verdict"] == verdict.as_json()
    assert {"processor", "cores", "threads", "python", "torch", "transformers"} <= set(found)
    assert surroundings(Mode("bf16", "eager"))["precision"] == "bf16"


def worked(*phases: Phase, head: str = "linear") -> Session:
    made = session("image", network=grafted("image", head=head))
    work(made, list(phases))
    return made


HEAD = Phase("head", 3, 2, 0.01, (0.0,) * 3)


def tune(line: int) -> Phase:
    return Phase("tune", line, 2, 1e-3, tuple(0.0 if b < line else 1e-3 for b in range(3)))


def test_backward_passes_are_saved_by_the_arithmetic_of_frozen_blocks() -> None:
    nothing = worked(HEAD, tune(0))
    flops = block_flops(nothing.chain, sample_of(nothing))
    assert saved_backward_share(nothing) == 0
    assert saved_backward_share(worked(HEAD, tune(2))) == sum(flops[:2]) / sum(flops)


def test_a_head_on_features_goes_through_no_block() -> None:
    assert saved_backward_share(worked(HEAD)) == 1
    assert saved_backward_share(worked(HEAD, head="mlp:4")) == 1
    assert saved_backward_share(worked(HEAD, tune(0), head="mlp:4")) == 0


def test_the_shares_and_the_line_are_those_of_the_best_checkpoint() -> None:
    plan = [{"name": "head", "share": 0.1}, {"name": "tune", "share": 0.7}]
    spoilt, tuned = worked(HEAD, tune(1)), worked(HEAD, tune(1))
    assert spoilt.best is not None
    assert tuned.best is not None
    spoilt.best = replace(spoilt.best, phase="head")
    tuned.best = replace(tuned.best, phase="tune")
    none = np.zeros(0, np.int64)
    for made, line, share in ((spoilt, 3, 0.1), (tuned, 1, 0.7)):
        trained = Trained(made, made.chosen_logits(), made.val.labels, made.records, none)
        assert result_module._freezing(trained)["line"] == line
        assert result_module._trained_share(trained, plan) == share


def test_the_strategy_s_own_seconds_are_its_training_and_its_features(
    result: dict[str, Any],
) -> None:
    seconds = result["seconds"]
    assert seconds["chosen"] == pytest.approx(seconds["train"] + seconds["probe"], abs=0.002)
    assert result["baselines"]["linear_probe"]["seconds"] >= seconds["probe"] - 0.002


def test_scores_of_the_test_rows_that_train_lacks_stand_beside_those_of_all(
    bert: Path, tmp_path: Path
) -> None:
    texts, labels = tiny.toy_texts(60)
    other = {"pos": "neg", "neg": "pos"}
    columns = {
        "text": [*texts, *texts[:4]],
        "label": [*labels, *(other[label] for label in labels[:4])],
        "split": ["train"] * 40 + ["test"] * 24,
    }
    data, run = tiny.write_csv(tmp_path / "a.csv", columns), tmp_path / "run"
    options: Any = {"backbone": str(bert), "strategy": "head", "baselines": False}
    settings = FitSettings(data=str(data), out=run, **options)
    scores = run_fit(settings, Silent(), report=False)["scores"]
    answers = pq.read_table(run / "predictions-test.parquet")
    right = np.array(answers["label"]) == np.array(answers["prediction"])
    assert set(scores["test_without_leaks"]) == SCORES
    assert scores["test"]["accuracy"]["value"] == pytest.approx(right.mean())
    assert scores["test_without_leaks"]["accuracy"]["value"] == pytest.approx(right[:20].mean())
    assert right[:20].mean() > right[20:].mean()


def test_without_leaks_there_are_no_such_scores(result: dict[str, Any]) -> None:
    assert set(result["scores"]) == {"val", "test"}


def test_the_first_fault_of_a_proof_is_a_warning(
    result: dict[str, Any], bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert result["warnings"] == []
    faults = ["layer 0: frozen, and changed", "layer 1: frozen, and changed"]
    monkeypatch.setattr(result_module, "faults_seen", lambda stretches, ledger: faults)
    options: Any = {"backbone": str(bert), "strategy": "head", "baselines": False}
    found = fit(tiny.toy_texts(240), out=tmp_path / "run", **options)
    assert found["freezing"]["proof"]["faults"] == faults
    assert found["warnings"][-1] == f"the proof does not hold: {faults[0]}"
