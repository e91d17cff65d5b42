"""Tests source-only on a trunk that was changed before any label was seen, and what follows."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regraft.adaptation.tapt import Tapt
from regraft.backbones.open import open_backbone
from regraft.errors import DivergedError, SettingsError
from regraft.freezing.ledger import AFTER, BEFORE
from regraft.freezing.proof import digest
from regraft.runs.adapt import adapt, run_adapt
from regraft.runs.evaluate import evaluate
from regraft.runs.moving import grounds
from regraft.runs.moving import training as moving
from regraft.runs.resume import resume
from regraft.runs.verify import verify
from regraft.settings import AdaptSettings
from regraft.training.keeping import keeper
from regraft.training.progress import Silent
from tests import tiny
from tests.unit.runs.moving.conftest import usual_steps
from tests.unit.runs.moving.test_training import (
    SOURCE,
    TARGET,
    USUAL,
    StoppedHereError,
    stop_after,
    weights,
)

TAPT = "tapt:steps=4,rows=8"


def prefer(monkeypatch: pytest.MonkeyPatch, *, ending: str) -> None:
    """Lets the method whose word ends so be kept, whatever a toy shows."""
    real = moving.held_to

    def held_to(start: Any, name: str, *, own: Any) -> Any:
        judged = real(start, name, own=own)
        if not name.endswith(ending):
            return replace(judged, objections={"narrow": "it is not wanted here"})
        right = np.ones_like(judged.signs.reverse_right)
        signs = replace(judged.signs, information=9.0, reverse_right=right)
        return replace(judged, signs=signs, objections={})

    monkeypatch.setattr(moving, "held_to", held_to)
    monkeypatch.setattr(grounds, "held_to", held_to)


def kinds(result: dict[str, Any]) -> list[str]:
    return [event["kind"] for event in result["freezing"]["ledger"]]


@pytest.mark.parametrize("rows", [240, 80])
def test_the_source_is_learnt_from_the_changed_trunk(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    prefer(monkeypatch, ending=TAPT)
    options: Any = {**USUAL, "epochs": 1.0, "freeze": 1, "score_target": True}
    result = adapt(
        tiny.toy_texts(rows),
        target=TARGET,
        backbone=str(bert),
        method=TAPT,
        out=tmp_path / "run",
        **options,
    )
    assert result["chosen"] == TAPT
    assert [entry["name"] for entry in result["methods"]] == ["source_only", TAPT]
    assert [phase["name"] for phase in result["plan"]["phases"]] == ["head", "tune"]
    assert kinds(result)[:2] == ["weights", "freeze"]
    # What was typed to be frozen stood still all the way.
    assert result["trained_share"] < 1.0
    assert verify(tmp_path / "run")["faults"] == []
    scored = evaluate(tmp_path / "run", TARGET)["scores"]["test"]["accuracy"]["value"]
    assert scored == pytest.approx(result["scores"]["target"]["accuracy"]["value"], abs=0.02)


def test_a_method_moves_on_from_there(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefer(monkeypatch, ending="+mcc")
    options: Any = {**USUAL, "backbone": str(bert), "epochs": 1.0}
    words = f"mmd,{TAPT},{TAPT}+mcc"
    result = adapt(SOURCE, target=TARGET[0], method=words, out=tmp_path / "run", **options)
    names = ["source_only", "mmd", TAPT, f"{TAPT}+mcc"]
    assert [entry["name"] for entry in result["methods"]] == names
    seconds = {entry["name"]: entry["seconds"] for entry in result["methods"]}
    assert seconds[f"{TAPT}+mcc"] > seconds[TAPT] > 0
    assert result["chosen"] == f"{TAPT}+mcc"
    assert [phase["name"] for phase in result["plan"]["phases"]] == ["head", "tune", "align"]
    assert kinds(result).count("weights") == 1
    assert verify(tmp_path / "run")["faults"] == []


def test_source_only_is_what_it_is_without_them(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefer(monkeypatch, ending="nothing")
    options: Any = {**USUAL, "backbone": str(bert), "epochs": 1.0}
    found = [
        adapt(SOURCE, target=TARGET[0], method=word, out=tmp_path / word[:4], **options)
        for word in (TAPT, "source-only")
    ]
    assert [result["chosen"] for result in found] == ["source_only"] * 2
    assert weights(found[0]) == weights(found[1])


def test_asked_for_by_name_it_is_kept_and_what_came_before_is_no_rival(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regraft.adaptation import selection

    monkeypatch.setattr(selection, "objections", lambda evidence: {})
    options: Any = {**USUAL, "backbone": str(bert), "epochs": 1.0}
    word = f"{TAPT}+mcc"
    result = adapt(SOURCE, target=TARGET[0], method=word, out=tmp_path / "run", **options)
    assert [entry["name"] for entry in result["methods"]] == ["source_only", word]
    assert result["chosen"] == word


def test_every_preparation_sees_the_trunk_as_it_came(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefer(monkeypatch, ending=TAPT)
    options: Any = {**USUAL, "backbone": str(bert), "epochs": 1.0}
    found = [
        adapt(SOURCE, target=TARGET[0], method=words, out=tmp_path / name, **options)
        for name, words in (("alone", TAPT), ("second", f"mmd,tapt:steps=3,rows=8,{TAPT}"))
    ]
    assert [result["chosen"] for result in found] == [TAPT] * 2
    assert weights(found[0]) == weights(found[1])
    first = found[0]["freezing"]["ledger"][0]["digests"]
    assert first[BEFORE] != first[AFTER]
    network = open_backbone(str(bert)).network
    assert first[BEFORE] == digest(dict(network.named_parameters()))


def test_a_method_that_diverges_leaves_what_came_before(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regraft.adaptation.moving import moving_phase

    def fast(word: str, phases: Any, *, chain: Any) -> Any:
        made = moving_phase(word, phases, chain=chain)
        return replace(made, head_rate=1e30, rates=tuple(1e30 for _ in made.rates))

    monkeypatch.setattr(moving, "moving_phase", fast)
    options: Any = {**USUAL, "backbone": str(bert), "epochs": 1.0}
    words = f"{TAPT},{TAPT}+mcc"
    result = adapt(SOURCE, target=TARGET[0], method=words, out=tmp_path / "a", **options)
    assert [entry["name"] for entry in result["methods"]] == ["source_only", TAPT]
    with pytest.raises(SettingsError, match="the training diverged"):
        adapt(SOURCE, target=TARGET[0], method=f"{TAPT}+mcc", out=tmp_path / "b", **options)


def test_random_weights_have_nothing_of_it(bert: Path, tmp_path: Path) -> None:
    options: Any = {**USUAL, "backbone": str(bert), "out": tmp_path / "run"}
    with pytest.raises(SettingsError, match="starts from random weights"):
        adapt(SOURCE, target=TARGET[0], method=TAPT, strategy="scratch", **options)


def test_weights_that_a_modifier_holds_are_counted_where_it_changed_them(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefer(monkeypatch, ending=TAPT)
    options: Any = {**USUAL, "backbone": str(bert), "out": tmp_path / "run"}
    strategy = "two-stage+bias-only"
    result = adapt(SOURCE, target=TARGET[0], method=TAPT, strategy=strategy, **options)
    assert result["trained_share"] == pytest.approx(1.0)
    assert verify(tmp_path / "run")["faults"] == []


def test_pictures_in_the_light_of_the_target_are_learnt(
    resnet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefer(monkeypatch, ending="fourier")
    settings = AdaptSettings(
        data=str(tiny.image_folders(tmp_path / "source", 60)),
        target=str(tiny.dim_folders(tmp_path / "target", 24)),
        backbone=str(resnet),
        strategy="full",
        method="fourier",
        **USUAL,
    )
    light = run_adapt(replace_out(settings, tmp_path / "a"), Silent(), report=False)
    assert light["chosen"] == "fourier"
    assert "weights" not in kinds(light)
    assert verify(tmp_path / "a")["faults"] == []
    plain = settings.model_copy(update={"method": "source-only"})
    other = run_adapt(replace_out(plain, tmp_path / "b"), Silent(), report=False)
    assert weights(light) != weights(other)


def replace_out(settings: AdaptSettings, out: Path) -> AdaptSettings:
    return settings.model_copy(update={"out": out})


def test_one_that_diverges_is_left_out_beside_others(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverged(self: Tapt, given: Any) -> Any:
        raise DivergedError("tapt ran away")

    monkeypatch.setattr(Tapt, "prepare", diverged)
    options: Any = {**USUAL, "backbone": str(bert), "epochs": 1.0}
    result = adapt(SOURCE, target=TARGET[0], method="mmd,tapt", out=tmp_path / "a", **options)
    assert [entry["name"] for entry in result["methods"]] == ["source_only", "mmd"]
    with pytest.raises(SettingsError, match="tapt ran away"):
        adapt(SOURCE, target=TARGET[0], method="tapt", out=tmp_path / "b", **options)
    assert not (tmp_path / "b").exists()


def test_a_network_that_it_cannot_train_is_told_even_beside_others(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def useless(self: Tapt, given: Any) -> Any:
        raise SettingsError("no state for each token")

    monkeypatch.setattr(Tapt, "prepare", useless)
    options: Any = {**USUAL, "backbone": str(bert), "epochs": 1.0}
    with pytest.raises(SettingsError, match="no state for each token"):
        adapt(SOURCE, target=TARGET[0], method="mmd,tapt", out=tmp_path / "a", **options)


def moved_on(folder: Path, bert: Path) -> AdaptSettings:
    data = tiny.write_csv(folder / "source.csv", {"text": SOURCE[0], "label": SOURCE[1]})
    target = tiny.write_csv(folder / "target.csv", {"text": TARGET[0]})
    words: dict[str, Any] = {"data": str(data), "target": str(target), "method": f"{TAPT}+mmd"}
    return AdaptSettings(**words, backbone=str(bert), out=folder / "run", **USUAL)


@pytest.fixture(scope="module")
def whole(_own_cache: None, bert: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The result of a run that was not stopped."""
    with tiny.spared() as patch:
        usual_steps(patch)
        prefer(patch, ending="+mmd")
        settings = moved_on(tmp_path_factory.mktemp("whole"), bert)
        return run_adapt(settings, Silent(), report=False)


@pytest.mark.parametrize("step", [10, 22, 30])
def test_a_stopped_run_is_completed_as_if_it_never_was(
    whole: dict[str, Any], bert: Path, tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefer(monkeypatch, ending="+mmd")
    monkeypatch.setattr(keeper.Keeper, "due", property(lambda self: True))
    with monkeypatch.context() as patch:
        stop_after(step, patch)
        with pytest.raises(StoppedHereError):
            run_adapt(moved_on(tmp_path, bert), Silent(), report=False)
    found = resume(tmp_path / "run")
    assert weights(found) == weights(whole)
    ledgers = [json.dumps(each["freezing"]["ledger"]) for each in (found, whole)]
    assert ledgers[0] == ledgers[1]
