"""Runs share the features of what is frozen: the same bytes, warm, cold, off or by two at once."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from regraft import compare
from regraft.data.encode import Encoded
from regraft.errors import GuardError
from regraft.features import shelf
from regraft.features.level import Chunk, Level, Made
from regraft.features.segment import DATA
from regraft.features.worth import Worth
from regraft.runs.fit import run_fit
from regraft.runs.predict import run_predict
from regraft.settings import FitSettings, PredictSettings
from regraft.training.progress import Silent
from tests import tiny


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path / "cache"))


@pytest.fixture(params=["text", "image"])
def typed(
    request: pytest.FixtureRequest, bert: Path, resnet: Path, tmp_path: Path
) -> dict[str, Any]:
    texts, labels = tiny.toy_texts(240)
    if request.param == "text":
        data = tiny.write_csv(tmp_path / "texts.csv", {"text": texts, "label": labels})
        return {"data": str(data), "backbone": str(bert)}
    data = tiny.image_folders(tmp_path / "tiles", 240)
    return {"data": str(data), "backbone": str(resnet)}


def fitted(typed: dict[str, Any], out: Path, **changed: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {"epochs": 3, "precision": "fp32", "augment": "none", "lr": 5e-3}
    return run_fit(FitSettings(**{**usual, **typed, **changed}, out=out), Silent())


def weights(run: Path) -> bytes:
    return (run / "model" / "model.safetensors").read_bytes()


@pytest.mark.parametrize("dropout", [0.0, 0.1, 0.3])
def test_predictions_read_what_the_fit_stored(
    typed: dict[str, Any], dropout: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is dropped in training: features are made without."""
    fitted(typed, tmp_path / "run", strategy="head", dropout=dropout)
    stored = [(each.key, each.rows) for each in shelf.shelved()]
    monkeypatch.setattr(Level, "made", None)  # nothing is to be computed
    settings = PredictSettings(run=tmp_path / "run", inputs=(typed["data"],))
    assert run_predict(settings).table.num_rows == 240
    assert [(each.key, each.rows) for each in shelf.shelved()] == stored


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("asked", [{"strategy": "head"}, {"freeze": "1"}])
def test_warm_and_cold_give_the_same_bytes(
    typed: dict[str, Any], asked: dict[str, Any], precision: str, tmp_path: Path
) -> None:
    asked = {**asked, "precision": precision}
    cold = fitted(typed, tmp_path / "cold", **asked)
    warm = fitted(typed, tmp_path / "warm", **asked, check_cache=True)
    assert not cold["cache"]["hit"]
    assert cold["cache"]["bytes"] > 0
    assert warm["cache"]["hit"]
    assert warm["cache"]["computed"] == 0
    assert warm["cache"]["checked"] > 0
    assert weights(tmp_path / "cold") == weights(tmp_path / "warm")
    assert cold["scores"] == warm["scores"]


def test_another_strategy_and_another_seed_read_what_the_first_computed(
    typed: dict[str, Any], tmp_path: Path
) -> None:
    first = fitted(typed, tmp_path / "first", strategy="head")
    others: tuple[dict[str, Any], ...]
    others = ({"seed": 1, "strategy": "head"}, {"strategy": "two-stage", "freeze": "0"})
    # Without baselines it is the training itself that asks, its token table made smaller.
    asked = [{**other, "baselines": baselines} for other in others for baselines in (True, False)]
    for number, changed in enumerate(asked):
        again = fitted(typed, tmp_path / str(number), **changed)
        assert first["cache"]["computed"] == 240
        # For the few test rows alone nobody looks.
        assert again["cache"]["read"] >= (240 if changed["baselines"] else 216)
        assert again["cache"]["computed"] == 0


def test_a_comparison_computes_what_is_frozen_once(
    typed: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, made = Level.made, []

    def counting(level: Level, rows: Encoded, chunk: Chunk, **given: Any) -> Made:
        made.append(len(chunk.indices) if level.pooled else 0)
        return real(level, rows, chunk, **given)

    monkeypatch.setattr(Level, "made", counting)
    compare(
        typed["data"],
        backbone=typed["backbone"],
        strategies=("head", "two-stage"),
        seeds=2,
        epochs=1,
        precision="fp32",
        out=tmp_path / "compared",
    )
    assert 0 < sum(made) <= 240


def test_texts_of_fewer_words_read_the_prefix_that_others_stored(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training needs the rows of the token table that its texts name: no matter for a text."""
    monkeypatch.setattr(Worth, "pays", lambda *_, **__: True)
    rows = list(zip(*tiny.toy_texts(320), strict=True))
    fewer = [row for row in rows if tiny.THINGS[0] not in row[0]]
    assert 200 < len(fewer) < len(rows)
    results = []
    for number, some in enumerate((rows, fewer)):
        texts, labels = zip(*some, strict=True)
        columns = {"text": texts, "label": labels}
        data = tiny.write_csv(tmp_path / f"{number}.csv", columns)
        asked = {"data": str(data), "backbone": str(bert), "strategy": "full", "freeze": "1"}
        results.append(fitted(asked, tmp_path / str(number), baselines=False))
    assert [result["cache"]["hit"] for result in results] == [False, True]


def test_without_a_cache_nothing_is_kept_and_a_head_is_the_same(
    typed: dict[str, Any], tmp_path: Path
) -> None:
    off = fitted(typed, tmp_path / "off", strategy="head", cache=False)
    assert not shelf.roof().exists()
    assert not off["cache"]["hit"]
    fitted(typed, tmp_path / "on", strategy="head")
    assert weights(tmp_path / "off") == weights(tmp_path / "on")


def test_a_flipped_bit_is_computed_anew(typed: dict[str, Any], tmp_path: Path) -> None:
    fitted(typed, tmp_path / "first", strategy="head")
    for data in shelf.roof().glob(f"*/*{DATA}"):
        content = bytearray(data.read_bytes())
        content[len(content) // 2] ^= 4
        data.write_bytes(content)
    again = fitted(typed, tmp_path / "again", strategy="head")
    assert again["cache"]["computed"] > 0
    assert weights(tmp_path / "first") == weights(tmp_path / "again")


def test_a_sample_that_differs_is_told(
    typed: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted(typed, tmp_path / "first", strategy="head")
    real = Level.made

    def other(*given: Any, **named: Any) -> Made:
        made = real(*given, **named)
        return replace(made, arrays=[array + 1 for array in made.arrays])

    monkeypatch.setattr(Level, "made", other)
    with pytest.raises(GuardError, match="regraft cache clear"):
        fitted(typed, tmp_path / "again", strategy="head", check_cache=True)


@pytest.mark.parametrize(
    "asked",
    [
        ["--freeze", "1", "--epochs", "2"],
        pytest.param(["--strategy", "head"], marks=pytest.mark.slow),
    ],
)
def test_two_processes_that_fill_one_entry_end_alike(
    typed: dict[str, Any], asked: list[str], tmp_path: Path
) -> None:
    surroundings = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "REGRAFT_CACHE": str(tmp_path / "cache"),
        "REGRAFT_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    words = [sys.executable, "-m", "regraft", "fit", typed["data"], *asked]
    words += ["--augment", "none"]
    words += ["--backbone", typed["backbone"], "--precision", "fp32", "--json", "--quiet"]
    # The modes are timed once: under load two processes might find different ones.
    first = [*words[:3], "plan", *words[4:]]
    subprocess.run(first, check=True, env=surroundings, stdout=subprocess.DEVNULL)
    pairs = [
        subprocess.Popen([*words, "--out", str(tmp_path / name)], stdout=-1, env=surroundings)
        for name in ("one", "other")
    ]
    printed = [process.communicate()[0] for process in pairs]
    assert [process.returncode for process in pairs] == [0, 0]
    scores = [json.loads(text)["scores"] for text in printed]
    assert scores[0] == scores[1]
    assert weights(tmp_path / "one") == weights(tmp_path / "other")
