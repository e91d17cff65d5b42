"""A run that was stopped is completed by `resume`; anything else is refused in a sentence."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from regraft.errors import DataError, SettingsError
from regraft.features import prefixed
from regraft.features.worth import Worth
from regraft.runs.adapt import run_adapt
from regraft.runs.fit import run_fit
from regraft.runs.fitting.folder import RunFolder
from regraft.runs.resume import resume, run_resume
from regraft.settings import AdaptSettings, FitSettings
from regraft.toml import read_toml
from regraft.training import steps as steps_module
from regraft.training.keeping import keeper
from regraft.training.progress import Silent
from tests import tiny


class StoppedHereError(Exception):
    """Stands for a kill."""


def settings(reviews: Path, bert: Path, out: Path) -> FitSettings:
    return FitSettings(
        data=str(reviews), out=out, backbone=str(bert), epochs=2, seed=5, freeze="norm"
    )


def stop(made: FitSettings, monkeypatch: pytest.MonkeyPatch, *, step: int) -> None:
    """Fits until a step begins, with a checkpoint after each one before."""
    monkeypatch.setattr(keeper.Keeper, "due", property(lambda self: True))
    real, seen = steps_module._step, [0]

    def killed(*arguments: object) -> object:
        seen[0] += 1
        if seen[0] > step:
            raise StoppedHereError
        return real(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(steps_module, "_step", killed)
        with pytest.raises(StoppedHereError):
            run_fit(made, Silent())


@pytest.mark.usefixtures("_own_cache")
def test_a_stopped_run_is_completed_as_if_it_never_was(
    reviews: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_fit(settings(reviews, bert, tmp_path / "whole"), Silent())
    stop(settings(reviews, bert, tmp_path / "stopped"), monkeypatch, step=5)
    assert (tmp_path / "stopped" / "checkpoints").is_dir()
    with (tmp_path / "stopped" / "run.toml").open("a") as file:
        file.write("# the file tells how the run was begun: it stays\n")
    written = (tmp_path / "stopped" / "run.toml").read_bytes()
    found = resume(tmp_path / "stopped")
    assert (tmp_path / "stopped" / "run.toml").read_bytes() == written
    assert found["scores"] == whole["scores"]
    ledgers = [json.dumps(document["freezing"]["ledger"]) for document in (found, whole)]
    assert ledgers[0] == ledgers[1]
    files = [tmp_path / name / "model" / "model.safetensors" for name in ("stopped", "whole")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert (tmp_path / "stopped" / "report.html").is_file()
    assert not (tmp_path / "stopped" / "checkpoints").exists()


@pytest.mark.usefixtures("_own_cache")
def test_what_the_cache_had_decided_before_the_stop_is_written_down(
    reviews: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefixed, "worth_of", lambda *_: Worth(1.0, 0.1, 0.1, 10.0))

    def asked(name: str) -> FitSettings:
        changed = {"strategy": "full", "freeze": "2", "epochs": 3, "augment": "none"}
        made = settings(reviews, bert, tmp_path / name)
        return made.model_copy(update=changed)

    run_fit(asked("whole"), Silent())
    stop(asked("stopped"), monkeypatch, step=5)
    resume(tmp_path / "stopped")
    kept = [tiny.kept_in(tmp_path / name) for name in ("stopped", "whole")]
    assert kept[0] == kept[1] == {"line 2, 3 passes, 1 views": True}


@pytest.mark.usefixtures("_own_cache")
def test_what_was_chosen_or_spent_before_the_stop_is_told_as_such(
    reviews: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop(settings(reviews, bert, tmp_path / "run"), monkeypatch, step=5)
    monkeypatch.setattr(RunFolder, "spent", lambda folder: 1000.0)
    found = resume(tmp_path / "run")
    reasons = {choice["name"]: choice["reason"] for choice in found["defaults"]}
    typed = {name for name, reason in reasons.items() if reason == "as you typed"}
    assert typed == {"backbone", "epochs", "freeze"}
    assert reasons["lr"] == "chosen before the run was stopped"
    assert all(found["seconds"][name] > 1000 for name in ("train", "chosen", "total"))
    again = run_fit(
        FitSettings(**{**read_toml(tmp_path / "run" / "run.toml"), "out": tmp_path / "again"}),
        Silent(),
    )
    assert "chosen before" not in json.dumps(again["defaults"])


@pytest.mark.usefixtures("_own_cache")
def test_a_run_is_gone_on_with_from_another_folder(
    reviews: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(reviews, tmp_path / "reviews.csv")
    monkeypatch.chdir(tmp_path)
    relative = settings(Path("reviews.csv"), Path(os.path.relpath(bert, tmp_path)), Path("run"))
    stop(relative, monkeypatch, step=3)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert resume(tmp_path / "run")["freezing"]["proof"]["holds"]


@pytest.mark.usefixtures("_own_cache")
def test_a_run_that_was_killed_before_anything_was_measured_can_be_gone_on_with(
    reviews: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledHereError(BaseException):
        """Stands for SIGKILL: nothing is tidied up."""

    def killed(*_: object, **__: object) -> None:
        raise KilledHereError

    whole = run_fit(settings(reviews, bert, tmp_path / "whole"), Silent())
    with monkeypatch.context() as patch:
        patch.setattr("regraft.runs.fit.decide_modes", killed)
        patch.setattr(RunFolder, "discard", lambda folder: None)
        with pytest.raises(KilledHereError):
            run_fit(settings(reviews, bert, tmp_path / "killed"), Silent())
    left = {path.name for path in (tmp_path / "killed").iterdir()}
    assert left == {"run.toml", "log.jsonl", "checkpoints"}
    found = resume(tmp_path / "killed")
    ledgers = [document["freezing"]["ledger"] for document in (found, whole)]
    assert ledgers[0] == ledgers[1]
    kept = [read_toml(tmp_path / name / "run.toml") for name in ("killed", "whole")]
    assert {**kept[0], "repeat": ""} == {**kept[1], "repeat": ""}


class Told(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, sentence: str) -> None:
        self.lines.append(sentence)


@pytest.mark.usefixtures("_own_cache")
def test_who_stops_a_run_is_told_how_to_go_on_each_time(
    reviews: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(steps_module, "_step", stopped)
    run, first, again = tmp_path / "my run", Told(), Told()
    with pytest.raises(KeyboardInterrupt):
        run_fit(settings(reviews, bert, run), first)
    with pytest.raises(KeyboardInterrupt):
        run_resume(run, again)
    assert first.lines[-1] == again.lines[-1] == f"go on with: regraft resume '{run}'"


def test_a_complete_run_is_not_gone_on_with(text_run: Path) -> None:
    with pytest.raises(SettingsError, match="is complete"):
        resume(text_run)


def test_a_folder_without_settings_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no run that can be gone on with"):
        resume(tmp_path)


def test_a_stopped_comparison_is_gone_on_with_by_its_own_command(tmp_path: Path) -> None:
    out = tmp_path / "my c"
    out.mkdir()
    (out / "compare.toml").write_text("seeds = 3\n")
    hint = f"try the same regraft compare command with --out '{out}'"
    with pytest.raises(DataError, match="holds a comparison") as caught:
        resume(out)
    assert str(caught.value).endswith(hint)


def test_a_run_on_python_objects_says_what_to_do(text_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(text_run, tmp_path / "run"))
    (run / "result.json").unlink()
    place = run / "run.toml"
    lines = [line for line in place.read_text("utf-8").splitlines() if "data = " not in line]
    place.write_text("\n".join(lines), "utf-8")
    with pytest.raises(SettingsError, match="Python objects"):
        resume(run)


@pytest.mark.usefixtures("_own_cache")
def test_what_was_typed_of_freezing_reaches_the_training(
    reviews: Path, bert: Path, tmp_path: Path
) -> None:
    typed = settings(reviews, bert, tmp_path / "run").model_copy(update={"freeze_threshold": 1e9})
    freezing = run_fit(typed, Silent())["freezing"]
    last = freezing["proof"]["stretches"][-1]
    assert "threshold" in [event["kind"] for event in freezing["ledger"]]
    assert last["stop"] > last["start"]
    first = next(s for s in freezing["proof"]["stretches"] if s["stop"] > s["start"])
    assert first["before"]
    assert all(name.startswith("frozen above the line: ") for name in first["before"])
    assert freezing["saved_backward_share"] > 0
    assert freezing["proof"]["holds"]


def test_an_adaptation_of_python_objects_cannot_be_gone_on_with(tmp_path: Path) -> None:
    content = '[settings]\ndata = "d.csv"\nmethod = "mcc"\n\n[machine]\nthreads = 1\n'
    (tmp_path / "run.toml").write_text(content)
    with pytest.raises(SettingsError, match=r"adapts Python objects.*try regraft.adapt with"):
        resume(tmp_path)


@pytest.mark.usefixtures("_own_cache")
def test_an_adaptation_by_auto_that_was_killed_early_can_be_gone_on_with(
    reviews: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledHereError(BaseException):
        """Stands for SIGKILL: nothing is tidied up."""

    def killed(*_: object, **__: object) -> None:
        raise KilledHereError

    target = tiny.write_csv(tmp_path / "target.csv", {"text": tiny.texts_elsewhere(40)[0]})
    settings = AdaptSettings(
        data=str(reviews), target=str(target), backbone=str(bert), out=tmp_path / "run"
    )
    with monkeypatch.context() as patch:
        patch.setattr("regraft.runs.adapt.decide_modes", killed)
        patch.setattr(RunFolder, "discard", lambda folder: None)
        with pytest.raises(KilledHereError):
            run_adapt(settings, Silent())
    monkeypatch.setattr("regraft.runs.moving.asked.methods_asked", lambda name: ["source-only"])
    assert resume(tmp_path / "run")["strategy"] == "adapt"


OWN = """
from regraft.strategies.full import Full


class Own:
    def phases(self, chain, facts):
        return Full().phases(chain, facts)
"""


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module with a strategy, which nothing has imported yet."""
    (tmp_path / "own_of_resume.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_of_resume", raising=False)
    return "own_of_resume"


@pytest.mark.usefixtures("_own_cache")
def test_code_that_a_run_names_is_run_where_the_user_names_it_too(
    reviews: Path, bert: Path, tmp_path: Path, own_module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, run = f"{own_module}:Own", tmp_path / "my run"
    made = settings(reviews, bert, run).model_copy(update={"strategy": name})
    stop(made, monkeypatch, step=3)
    del sys.modules[own_module]
    with pytest.raises(SettingsError, match="runs code only where you name it") as caught:
        resume(run)
    assert str(caught.value) == (
        f"{run} trains by '{name}', which is code, and resume runs code only where you name it; "
        f"try regraft resume '{run}' --strategy {name}"
    )
    with pytest.raises(SettingsError, match=f"trains by '{name}', not by 'others:Own'"):
        resume(run, strategy="others:Own")
    assert own_module not in sys.modules
    assert resume(run, strategy=name)["strategy"] == name


@pytest.mark.usefixtures("_own_cache")
def test_a_program_that_has_its_strategy_goes_on_without_a_word(
    reviews: Path, bert: Path, tmp_path: Path, own_module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = settings(reviews, bert, tmp_path / "run")
    stop(made.model_copy(update={"strategy": f"{own_module}:Own"}), monkeypatch, step=3)
    assert resume(tmp_path / "run")["freezing"]["proof"]["holds"]


def test_an_adaptation_runs_no_code_that_nobody_named(tmp_path: Path, own_module: str) -> None:
    told = f'data = "d.csv"\ntarget = "t.csv"\nmethod = "mcc"\nstrategy = "{own_module}:Own"\n'
    (tmp_path / "run.toml").write_text(f"measured = false\n\n[settings]\n{told}")
    with pytest.raises(SettingsError, match="which is code"):
        resume(tmp_path)
    assert own_module not in sys.modules


def test_a_run_that_is_worked_on_is_left_alone(text_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(text_run, tmp_path / "run"))
    (run / "result.json").unlink()
    (run / "half.tmp").touch()
    with (
        RunFolder(run).alone(),
        pytest.raises(SettingsError, match="being worked on by another process"),
    ):
        resume(run)
    assert (run / "half.tmp").exists()
