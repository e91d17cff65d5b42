"""The twin is the run itself with nothing frozen, and the comparison is row by row."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regraft.errors import DivergedError
from regraft.freezing.proof import state_digest
from regraft.runs.fit import run_fit
from regraft.runs.trials.control import control_words
from regraft.settings import FitSettings
from regraft.training import loop
from regraft.training import steps as steps_module
from regraft.training.progress import Silent

ALL = 1e9
"""A threshold that every block is below at its second reading."""


def settings(reviews: Path, bert: Path, out: Path, **changed: Any) -> FitSettings:
    values: dict[str, Any] = {"epochs": 2, "seed": 5, "lr": 5e-3, "baselines": False, **changed}
    return FitSettings(data=str(reviews), out=out, backbone=str(bert), **values)


def numbers(control: dict[str, Any]) -> list[Any]:
    """Returns what a document promises of every control."""
    return [control[name] for name in ("accuracy", "difference", "low", "high")]


@pytest.mark.usefixtures("_own_cache")
def test_the_twin_is_the_run_that_never_froze(
    reviews: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = run_fit(settings(reviews, bert, tmp_path / "plain"), Silent())
    steps: list[int] = []
    twins: list[str] = []
    real, real_work = steps_module._step, loop.work

    def counted(stepper: Any, *arguments: Any) -> Any:
        steps.append(stepper.session.step)
        return real(stepper, *arguments)

    def seen(session: Any, phases: Any) -> None:
        real_work(session, phases)
        twins.append(state_digest(session.network))

    monkeypatch.setattr(steps_module, "_step", counted)
    monkeypatch.setattr("regraft.runs.trials.control.work", seen)
    frozen = settings(reviews, bert, tmp_path / "run", freeze_threshold=ALL, control=True)
    found = run_fit(frozen, Silent())
    control = found["control"]
    restored = [e for e in plain["freezing"]["ledger"] if e["kind"] == "restore"]
    assert twins == [restored[0]["digests"]["network"]]
    shared, last = control["shared_steps"], control["steps"]
    assert 0 < shared < last
    assert steps == [*range(last), *range(shared, last)]
    assert control["accuracy"]["value"] == plain["scores"]["test"]["accuracy"]["value"]
    gap = found["scores"]["test"]["accuracy"]["value"] - control["accuracy"]["value"]
    assert control["difference"] == pytest.approx(gap)
    assert control["low"] <= gap <= control["high"]
    assert not (tmp_path / "run" / "control").exists()
    assert found["freezing"]["proof"]["holds"]


@pytest.mark.usefixtures("_own_cache")
def test_the_run_keeps_its_own_weights(reviews: Path, bert: Path, tmp_path: Path) -> None:
    alone = settings(reviews, bert, tmp_path / "alone", freeze_threshold=ALL)
    beside = settings(reviews, bert, tmp_path / "beside", freeze_threshold=ALL, control=True)
    runs = [run_fit(each, Silent()) for each in (alone, beside)]
    files = [tmp_path / name / "model" / "model.safetensors" for name in ("alone", "beside")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert runs[0]["freezing"]["ledger"] == runs[1]["freezing"]["ledger"]


@pytest.mark.usefixtures("_own_cache")
@pytest.mark.parametrize(("value", "words"), [(1e-12, "nothing froze"), (ALL, "could not be")])
def test_without_a_twin_it_says_why(
    value: float,
    words: str,
    reviews: Path,
    bert: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if value == ALL:
        monkeypatch.setattr("regraft.training.keeping.keeper.Keeper.save", lambda *_: False)
    made = settings(reviews, bert, tmp_path / "run", freeze_threshold=value, control=True)
    found = run_fit(made, Silent())
    assert words in found["control"]["sentence"]
    own = found["scores"]["test"]["accuracy"] if value != ALL else None
    nought = 0.0 if value != ALL else None
    assert numbers(found["control"]) == [own, nought, nought, nought]


@pytest.mark.usefixtures("_own_cache")
def test_a_twin_that_fails_leaves_the_run(
    reviews: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverged(*_: object) -> None:
        raise DivergedError("the training diverged")

    monkeypatch.setattr("regraft.runs.trials.control.work", diverged)
    made = settings(reviews, bert, tmp_path / "run", freeze_threshold=ALL, control=True)
    control = run_fit(made, Silent())["control"]
    assert "diverged" in control["sentence"]
    assert numbers(control) == [None] * 4
    assert (tmp_path / "run" / "result.json").exists()


@pytest.mark.usefixtures("_own_cache")
def test_folds_have_no_twin(resnet: Path, tmp_path: Path) -> None:
    from tests import tiny

    data = tiny.image_folders(tmp_path / "tiles", 60)
    made = settings(data, resnet, tmp_path / "run", freeze_threshold=ALL, control=True, epochs=1)
    control = run_fit(made, Silent())["control"]
    assert "no validation rows" in control["sentence"]
    assert numbers(control) == [None] * 4


def test_the_sentence_has_signs() -> None:
    gap = {"difference": 0.0125, "low": -0.001, "high": math.nextafter(0.02, 1)}
    words = control_words({"accuracy": {"value": np.float64(0.9)}, **gap}, steps=3)
    assert "3 further steps" in words
    assert "reach 0.900" in words
    assert "+1.2 points (95 % interval -0.1 to +2.0)" in words
