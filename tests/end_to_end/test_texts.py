"""From a table of texts to a run, and what can be done with it."""

import csv
import hashlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import tiny
from tests.end_to_end.conftest import Outcome, Type, started

TOP = {
    *("run", "data", "backbone", "strategy", "seed", "scores", "baselines", "seconds"),
    *("trained_share", "freezing", "cache", "environment"),
}
SCORES = ("accuracy", "macro_f1", "balanced_accuracy", "log_loss", "ece")


def document(outcome: Outcome) -> dict[str, Any]:
    """Returns the one JSON document that standard output holds, and nothing else."""
    found: dict[str, Any] = json.loads(outcome.out)
    return found


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def digest(run: Path) -> str:
    return hashlib.sha256((run / "model" / "model.safetensors").read_bytes()).hexdigest()


def test_fit_prints_one_document_with_every_key_that_is_promised(
    fitted: tuple[Path, Outcome],
) -> None:
    run, outcome = fitted
    assert outcome.code == 0, outcome.err
    result = document(outcome)
    assert set(result) >= TOP
    assert result == json.loads((run / "result.json").read_text("utf-8"))
    sets = [*result["scores"].values(), *result["baselines"].values()]
    assert set(result["scores"]) == {"val", "test"}
    assert set(result["baselines"]) == {"majority", "classic", "linear_probe"}
    for scores in sets:
        for name in SCORES:
            assert set(scores[name]) == {"value", "low", "high"}
    assert {"total", "data", "probe", "train", "evaluate"} <= set(result["seconds"])
    assert {"line", "saved_backward_share", "ledger", "proof"} <= set(result["freezing"])
    assert {"hit", "fill_seconds", "bytes"} <= set(result["cache"])


def test_progress_goes_to_standard_error(fitted: tuple[Path, Outcome]) -> None:
    _, outcome = fitted
    assert "240 texts in 2 classes" in outcome.err
    assert "tune: epoch 1/1" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_run_that_is_complete_holds_what_is_promised(run: Path) -> None:
    assert {path.name for path in run.iterdir()} == {
        "log.jsonl",
        "model",
        "predictions-test.parquet",
        "report.html",
        "result.json",
        "rows-learnt.parquet",
        "run.toml",
    }


def test_the_same_seed_gives_the_same_bytes_in_another_process(
    run: Path, reviews: Path, bert: Path, tmp_path: Path, session_cache: Path
) -> None:
    words = ("fit", reviews, "--backbone", bert, "--epochs", 1, "--json", "--out")
    again = document(started(*words, tmp_path / "again", cache=session_cache))
    assert digest(tmp_path / "again") == digest(run)
    first = json.loads((run / "result.json").read_text("utf-8"))
    assert again["scores"] == first["scores"]
    assert again["baselines"].keys() == first["baselines"].keys()
    for name, scores in again["baselines"].items():
        assert all(scores[key] == first["baselines"][name][key] for key in SCORES)


def test_another_seed_gives_other_weights(
    typed: Type, run: Path, reviews: Path, bert: Path, tmp_path: Path
) -> None:
    words = ("fit", reviews, "--backbone", bert, "--epochs", 1, "--no-baselines", "--quiet")
    outcome = typed(*words, "--seed", 1, "--out", tmp_path / "other")
    assert outcome.code == 0
    assert outcome.err == ""
    assert digest(tmp_path / "other") != digest(run)


def test_predictions_of_a_table_score_as_evaluate_says(
    typed: Type, run: Path, reviews: Path, tmp_path: Path
) -> None:
    predicted = typed("predict", run, reviews, "--out", tmp_path / "p.csv")
    assert (predicted.code, predicted.out) == (0, "")
    found = rows((tmp_path / "p.csv").read_text("utf-8"))
    right = sum(row["label"] == row["prediction"] for row in found)
    evaluated = document(typed("evaluate", run, reviews, "--json"))
    assert evaluated["scores"]["test"]["accuracy"]["value"] == right / 240
    assert [row["text"] for row in found] == tiny.toy_texts(240)[0]


def test_a_table_with_odd_cells_comes_back_whole(typed: Type, run: Path, tmp_path: Path) -> None:
    odd = ['a "lovely" film', "two\nlines", "great \U0001f642, truly", "=1+1"]
    path = tiny.write_csv(tmp_path / "odd.csv", {"no": list("1234"), "text": odd, "z": odd})
    outcome = typed("predict", run, path)
    assert outcome.code == 0
    found = rows(outcome.out)
    assert [row["text"] for row in found] == odd
    assert list(found[0]) == [
        "no",
        "text",
        "z",
        "prediction",
        "confidence",
        "p_neg",
        "p_pos",
        "error",
    ]


def test_texts_on_the_command_line_and_lines_on_standard_input_agree(
    typed: Type, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["a lovely film about a meal", "dreadful"]
    listed = document(typed("predict", run, *texts, "--json"))
    lines = io.TextIOWrapper(io.BytesIO("\n".join(texts).encode()))
    monkeypatch.setattr(sys, "stdin", lines)
    found = rows(typed("predict", run, "-").out)
    assert [row["prediction"] for row in found] == [row["prediction"] for row in listed["rows"]]
    assert listed["count"] == 2


def test_an_empty_text_has_an_error_in_its_row_and_the_code_says_so(
    typed: Type, run: Path, tmp_path: Path
) -> None:
    path = tiny.write_csv(tmp_path / "a.csv", {"text": ["good film", "", "bad"], "n": list("123")})
    outcome = typed("predict", run, path)
    assert outcome.code == 3
    assert [bool(row["prediction"]) for row in rows(outcome.out)] == [True, False, True]
    assert "1 row could not be read" in outcome.err


def test_the_report_is_drawn_again(typed: Type, run: Path) -> None:
    (run / "report.html").unlink()
    outcome = typed("report", run)
    assert outcome.out == f"{run / 'report.html'}\n"
    assert "two-stage" in (run / "report.html").read_text("utf-8")


def test_a_plan_says_what_would_be_done_and_makes_nothing(
    typed: Type, reviews: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    planned = document(typed("plan", reviews, "--backbone", bert, "--json"))
    assert [phase["name"] for phase in planned["phases"]] == ["head", "tune"]
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_the_backbone_of_another(typed: Type, run: Path, tmp_path: Path) -> None:
    texts, _ = tiny.toy_texts(60)
    labels = [f"kind {row % 3}" for row in range(60)]
    path = tiny.write_csv(tmp_path / "kinds.csv", {"text": texts, "label": labels})
    words = ("fit", path, "--backbone", run, "--strategy", "head", "--no-baselines", "--json")
    result = document(typed(*words, "--out", tmp_path / "kinds"))
    assert result["data"]["classes"] == ["kind 0", "kind 1", "kind 2"]
    assert result["backbone"]["name"] == str(run)


def test_what_can_be_named_is_listed(typed: Type) -> None:
    found = document(typed("list", "--json"))
    assert set(found) == {"backbones", "datasets", "methods", "strategies"}
    assert {"head", "full", "two-stage"} <= {entry["name"] for entry in found["strategies"]}
