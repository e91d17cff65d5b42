"""A trial is a function of its settings, and asked again it is not run again."""

from pathlib import Path
from typing import Any

import pytest

from regraft.errors import SettingsError
from regraft.runs.comparing import trial as trial_module
from regraft.runs.comparing.folder import COMPARE, UNDER_WAY, shared_table
from regraft.runs.comparing.records import TRIALS, trial_name
from regraft.runs.comparing.trial import trial, trial_config
from regraft.runs.fit import run_fit
from regraft.runs.fitting.folder import RunFolder
from regraft.settings import FitSettings
from regraft.toml import write_toml
from regraft.training.progress import EpochRecord, Silent
from tests import tiny

OWN = {"strategy": "two-stage", "seed": 1, "fraction": 1.0}
DIGESTS = {"rows": "r", "weights": "w"}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder of a comparison, with modes that were measured."""
    tables = {
        "left_open": [],
        "precision": {"training": "fp32", "inference": "fp32"},
        "attention": {"training": "sdpa", "inference": "sdpa"},
        "machine": {"processor": "p", "device": "cpu", "torch": "t", "threads": 1},
        "probe": {"seconds": {}},
    }
    (tmp_path / COMPARE).write_text(write_toml(tables))
    (tmp_path / TRIALS).mkdir()
    return tmp_path


@pytest.fixture
def config(bert: Path) -> dict[str, Any]:
    shared = shared_table(FitSettings(backbone=str(bert), epochs=2, precision="fp32"))
    return trial_config(shared, DIGESTS, own=OWN)


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[FitSettings]:
    """The settings of every fit that is begun."""
    begun: list[FitSettings] = []

    def counted(settings: FitSettings, *arguments: Any, **named: Any) -> Any:
        begun.append(settings)
        return run_fit(settings, *arguments, **named)

    monkeypatch.setattr(trial_module, "run_fit", counted)
    return begun


class Killed(Silent):
    """Stops the training after its first pass."""

    def epoch(self, record: EpochRecord) -> None:
        raise KeyboardInterrupt


def test_asked_again_it_says_the_same_and_fits_nothing(
    config: dict[str, Any], out: Path, fits: list[FitSettings]
) -> None:
    data = tiny.toy_texts(240)
    first = trial(config, data, out=out, progress=Silent())
    again = trial(config, data, out=out, progress=Silent())
    assert first == again
    assert len(fits) == 1
    assert [p.name for p in (out / TRIALS).iterdir()] == [f"{trial_name(config)}.json"]
    assert list((out / UNDER_WAY).iterdir()) == []


def test_a_record_holds_scores_and_each_answer(config: dict[str, Any], out: Path) -> None:
    found = trial(config, tiny.toy_texts(240), out=out, progress=Silent())
    right = found["right"]
    assert len(right) == found["data"]["rows"]["test"] == 24
    assert right.count("1") / 24 == found["scores"]["test"]["accuracy"]["value"]
    assert (found["strategy"], found["seed"]) == ("two-stage", 1)
    assert found["class_weights"] == "none"
    assert found["config"] == config
    assert found["proof"] is True
    assert found["seconds"]["total"] >= found["seconds"]["chosen"] > 0


def test_a_trial_that_was_stopped_goes_on_and_says_the_same(
    config: dict[str, Any], out: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = tiny.toy_texts(240)
    with pytest.raises(KeyboardInterrupt):
        trial(config, data, out=out, progress=Killed())
    assert list((out / TRIALS).iterdir()) == []
    stopped = trial(config, data, out=out, progress=Silent())
    other = tmp_path_factory.mktemp("whole")
    (other / TRIALS).mkdir()
    (other / COMPARE).write_text((out / COMPARE).read_text())
    whole = trial(config, data, out=other, progress=Silent())
    assert stopped["scores"] == whole["scores"]
    assert stopped["right"] == whole["right"]


def test_a_fit_that_was_done_and_not_recorded_is_recorded(
    config: dict[str, Any], out: Path, fits: list[FitSettings]
) -> None:
    data = tiny.toy_texts(240)
    run = out / UNDER_WAY / trial_name(config)
    settings = FitSettings(**config["settings"], out=run, repeat=out / COMPARE)
    done = run_fit(settings, Silent(), source=data, report=False)
    found = trial(config, data, out=out, progress=Silent())
    assert found["scores"] == done["scores"]
    assert fits == []
    assert not run.exists()


def test_a_place_that_was_claimed_and_left_is_used(config: dict[str, Any], out: Path) -> None:
    run = out / UNDER_WAY / trial_name(config)
    run.mkdir(parents=True)
    (run / "run.toml").touch()
    assert trial(config, tiny.toy_texts(240), out=out, progress=Silent())["scores"]


def test_a_trial_that_diverged_says_so_and_is_not_run_again(
    config: dict[str, Any], out: Path, fits: list[FitSettings]
) -> None:
    config["settings"] |= {"strategy": "full", "lr": 1e30}
    first = trial(config, tiny.toy_texts(60), out=out, progress=Silent())
    assert first["diverged"].startswith("the training diverged")
    assert (first["strategy"], first["seed"]) == ("full", 1)
    assert "scores" not in first
    assert trial(config, tiny.toy_texts(60), out=out, progress=Silent()) == first
    assert len(fits) == 1
    assert list((out / UNDER_WAY).iterdir()) == []


def test_a_trial_that_another_process_goes_on_with_is_left_alone(
    config: dict[str, Any], out: Path
) -> None:
    data, run = tiny.toy_texts(240), out / UNDER_WAY / trial_name(config)
    with pytest.raises(KeyboardInterrupt):
        trial(config, data, out=out, progress=Killed())
    with RunFolder(run).alone(), pytest.raises(SettingsError, match="another process"):
        trial(config, data, out=out, progress=Silent())
