import json
from pathlib import Path
from typing import Any

import pytest

from regraft.backbones.modes import Mode
from regraft.runs.fitting.result import environment, next_commands, surroundings
from regraft.runs.report import read_result
from regraft.training.precision import Verdict
from tests.unit.runs.fitting.conftest import Prepare

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
    assert set(result["cache"]) == {"hit", "fill_seconds", "bytes"}


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


def test_the_share_that_was_trained_is_that_of_the_widest_phase(result: dict[str, Any]) -> None:
    assert result["trained_share"] == 1.0
    assert 0 < result["freezing"]["saved_backward_share"] < 1


def test_the_gain_is_said_in_points(result: dict[str, Any]) -> None:
    points = 100 * result["gain"]["difference"]
    assert f"two-stage is {points:+.1f} points" in result["gain"]["sentence"]


def test_the_environment_names_what_a_figure_depends_on(verdict: Verdict) -> None:
    found = environment(verdict)
    assert found["verdict"] == verdict.as_json()
    assert {"processor", "cores", "threads", "python", "torch", "transformers"} <= set(found)
    assert surroundings(Mode("bf16", "eager"))["precision"] == "bf16"


def test_the_next_commands_can_be_typed(prepared: Prepare, resnet: Path) -> None:
    from tests import tiny

    texts = next_commands(Path("runs/a-001"), prepared(40))
    assert texts[0] == 'regraft predict runs/a-001 "some text"'
    images = prepared(source=tiny.toy_pixels(24), backbone=str(resnet))
    assert next_commands(Path("r"), images)[0] == "regraft predict r IMAGE.png"
