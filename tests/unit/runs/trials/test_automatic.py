"""`auto` tries, takes the best on validation, never goes below the probe, and can be resumed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from regraft.errors import DamagedFileError, DivergedError, SettingsError
from regraft.features import prefixed
from regraft.features.worth import Worth
from regraft.runs.choosing.auto import Candidate, Tried
from regraft.runs.fit import run_fit
from regraft.runs.fitting import train as train_module
from regraft.runs.resume import run_resume
from regraft.runs.trials import automatic as module
from regraft.runs.trials import wanted
from regraft.runs.trials.automatic import PLACE, Automatic, automatic_from_json
from regraft.settings import FitSettings
from regraft.training.progress import Silent
from tests import tiny

pytestmark = pytest.mark.usefixtures("_own_cache")


def fitted(data: Path, bert: Path, out: Path, **changed: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {"strategy": "auto", "epochs": 2, "precision": "fp32", "lr": 5e-3}
    settings = FitSettings(data=str(data), backbone=str(bert), out=out, **{**usual, **changed})
    return run_fit(settings, Silent())


@pytest.fixture(scope="module")
def whole(
    _own_cache: None, reviews: Path, bert: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The result of a run that was not stopped, for tests that only look at it."""
    with tiny.spared():
        return fitted(reviews, bert, tmp_path_factory.mktemp("whole") / "run", lr=None)


def test_it_says_what_was_tried_and_takes_the_best(whole: dict[str, Any]) -> None:
    told = whole["auto"]
    assert [each["share"] for each in told["tried"]] == [0.25] * 3 + [0.5] * 2
    last = [each for each in told["tried"] if each["share"] == 0.5]
    best = max(last, key=lambda each: (each["score"], -each["log_loss"]))
    assert told["taken"] in (best["candidate"], {"strategy": "head", "rate": 1.0, "freeze": 0.0})
    assert whole["strategy"] == told["taken"]["strategy"]
    assert whole["scores"]["val"]["accuracy"]["value"] >= told["probe"]["score"]
    assert whole["freezing"]["proof"]["holds"]
    assert "auto" in told["sentence"]


def test_a_round_tries_no_two_that_train_alike(reviews: Path, bert: Path, tmp_path: Path) -> None:
    result = fitted(reviews, bert, tmp_path / "run", preset="best", epochs=1, baselines=False)
    tried = [each["candidate"]["strategy"] for each in result["auto"]["tried"]]
    # In less than a pass all blocks move at once.
    assert "gradual" not in tried
    assert tried[:3] == ["two-stage", "two-stage+average", "layerwise"]


def test_the_same_seed_takes_the_same_way(reviews: Path, bert: Path, tmp_path: Path) -> None:
    runs = [tmp_path / name for name in ("one", "other")]
    for run in runs:
        fitted(reviews, bert, run)
    one, other = (run / "model" / "model.safetensors" for run in runs)
    assert one.read_bytes() == other.read_bytes()


def test_what_ends_below_the_probe_gives_way_to_it(
    reviews: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        module, "is_worse_than_probe", lambda found, trained: trained.session.step > 0
    )
    result = fitted(reviews, bert, tmp_path / "run")
    assert result["strategy"] == "head"
    assert result["auto"]["taken"]["strategy"] == "head"
    assert "the linear probe" in result["auto"]["sentence"]
    assert json.loads((tmp_path / "run" / PLACE).read_text())["taken"]["strategy"] == "head"
    plain = fitted(reviews, bert, tmp_path / "plain", strategy="head")
    assert result["scores"]["test"] == plain["scores"]["test"]


@pytest.mark.parametrize(
    ("preset", "words"),
    [
        ("fast", "what was taken without trials ended below it"),
        ("balanced", "what was left of the trials ended below it"),
    ],
)
def test_what_ends_below_the_probe_is_not_said_to_have_diverged(
    preset: Any,
    words: str,
    reviews: Path,
    bert: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        module, "is_worse_than_probe", lambda found, trained: trained.session.step > 0
    )
    result = fitted(reviews, bert, tmp_path / "run", preset=preset)
    assert result["auto"]["taken"]["strategy"] == "head"
    assert result["auto"]["sentence"].endswith(f"on validation: {words}")


def stop_at(call: int, reviews: Path, bert: Path, run: Path, *, patch: pytest.MonkeyPatch) -> None:
    real, calls = train_module.train, []

    def stopped(prepared: Any, *given: Any, **named: Any) -> Any:
        calls.append(prepared.settings.strategy)
        if len(calls) == call:
            raise KeyboardInterrupt
        return real(prepared, *given, **named)

    with patch.context() as inner:
        inner.setattr(module, "train", stopped)
        with pytest.raises(KeyboardInterrupt):
            fitted(reviews, bert, run, lr=None)


def test_a_run_that_was_stopped_in_a_trial_tries_the_same_again(
    whole: dict[str, Any],
    reviews: Path,
    bert: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop_at(3, reviews, bert, tmp_path / "run", patch=monkeypatch)
    again = run_resume(tmp_path / "run", Silent())
    one, other = (
        [{**each, "seconds": 0.0} for each in made["auto"]["tried"]] for made in (whole, again)
    )
    assert one == other
    assert {each["candidate"]["rate"] for each in one} == {1.0, 0.4}
    assert again["scores"] == whole["scores"]


def test_without_time_for_the_probes_features_the_usual_way_is_taken(
    reviews: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "pass_seconds", lambda *_, **__: 1000.0)
    result = fitted(reviews, bert, tmp_path / "run", max_seconds=60, baselines=False)
    assert result["auto"]["taken"]["strategy"] == "two-stage"
    assert (result["auto"]["tried"], result["auto"]["probe"]["share"]) == ([], 0.0)


def test_what_diverges_without_trials_gives_way_to_a_probe_with_its_own_score(
    reviews: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = train_module.train

    def diverging(prepared: Any, *given: Any, **named: Any) -> Any:
        if prepared.settings.strategy != "head":
            raise DivergedError("the training diverged")
        return real(prepared, *given, **named)

    monkeypatch.setattr(module, "train", diverging)
    monkeypatch.setattr(module, "pass_seconds", lambda *_, **__: 1000.0)
    result = fitted(reviews, bert, tmp_path / "run", max_seconds=60, baselines=False)
    score = result["scores"]["val"]["accuracy"]["value"]
    assert result["auto"]["probe"]["score"] == pytest.approx(score)
    words = f"the linear probe, {score:.3f} on validation: what was taken without trials diverged"
    assert words in result["auto"]["sentence"]


def test_a_probe_that_took_over_before_a_stop_has_its_own_score(
    reviews: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = train_module.train

    def stopped(prepared: Any, *given: Any, **named: Any) -> Any:
        if prepared.settings.strategy != "head":
            raise DivergedError("the training diverged")
        if stopping:
            raise KeyboardInterrupt
        return real(prepared, *given, **named)

    monkeypatch.setattr(module, "train", stopped)
    monkeypatch.setattr(module, "pass_seconds", lambda *_, **__: 1000.0)
    stopping = True
    with pytest.raises(KeyboardInterrupt):
        fitted(reviews, bert, tmp_path / "run", max_seconds=60, baselines=False)
    stopping = False
    result = run_resume(tmp_path / "run", Silent())
    score = result["scores"]["val"]["accuracy"]["value"]
    assert result["strategy"] == "head"
    assert result["auto"]["probe"]["score"] == pytest.approx(score)
    words = f"the linear probe, {score:.3f} on validation: what was taken without trials diverged"
    assert words in result["auto"]["sentence"]


def test_a_head_with_hidden_layers_is_not_called_a_linear_probe(
    reviews: Path, bert: Path, tmp_path: Path
) -> None:
    result = fitted(reviews, bert, tmp_path / "run", head="mlp:8", lr=None)
    assert "the head alone" in result["auto"]["sentence"]
    assert "linear probe" not in result["auto"]["sentence"]


def test_trials_end_before_the_time_is_up(
    reviews: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[float] = []
    real = train_module.train

    def seen(*given: Any, deadline: float, **named: Any) -> Any:
        found.append(deadline)
        return real(*given, deadline=deadline, **named)

    monkeypatch.setattr(module, "train", seen)
    fitted(reviews, bert, tmp_path / "run", max_seconds=600)
    *trials, last = found
    assert len(set(trials)) == 1
    assert trials[0] < last - 100


def test_a_run_that_was_stopped_after_the_choice_keeps_it(
    whole: dict[str, Any],
    reviews: Path,
    bert: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The probe and five trials came before.
    stop_at(7, reviews, bert, tmp_path / "run", patch=monkeypatch)
    assert json.loads((tmp_path / "run" / PLACE).read_text())["taken"] == whole["auto"]["taken"]
    again = run_resume(tmp_path / "run", Silent())
    assert again["auto"]["taken"] == whole["auto"]["taken"]
    assert again["scores"] == whole["scores"]


def test_what_the_cache_decided_in_trials_is_written_down_though_the_run_was_stopped_since(
    reviews: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(_: object) -> None:
        raise KeyboardInterrupt

    tried = [Candidate("contrastive"), Candidate("full")]
    monkeypatch.setattr(wanted, "candidates", lambda *_, **__: tried)
    monkeypatch.setattr(prefixed, "worth_of", lambda *_: Worth(1.0, 0.1, 0.1, 10.0))
    asked = {"epochs": 4, "freeze": "2", "augment": "none"}
    fitted(reviews, bert, tmp_path / "whole", **asked)
    with monkeypatch.context() as patch:
        patch.setattr(module, "_trained", stopped)
        with pytest.raises(KeyboardInterrupt):
            fitted(reviews, bert, tmp_path / "stopped", **asked)
    run_resume(tmp_path / "stopped", Silent())
    kept = [tiny.kept_in(tmp_path / name) for name in ("stopped", "whole")]
    assert kept[0] == kept[1]
    assert len(kept[0]) == len(tried), "one of them is not taken"


def test_without_time_nothing_is_tried(reviews: Path, bert: Path, tmp_path: Path) -> None:
    result = fitted(reviews, bert, tmp_path / "run", max_seconds=0.5)
    assert result["auto"]["tried"] == []
    assert "without trials" in result["auto"]["sentence"]


def test_a_candidate_that_diverges_is_not_taken(
    reviews: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = train_module.train

    def diverging(prepared: Any, *given: Any, **named: Any) -> Any:
        if prepared.settings.strategy == "layerwise":
            raise DivergedError("the training diverged")
        return real(prepared, *given, **named)

    monkeypatch.setattr(module, "train", diverging)
    result = fitted(reviews, bert, tmp_path / "run")
    lost = [
        each for each in result["auto"]["tried"] if each["candidate"]["strategy"] == "layerwise"
    ]
    assert [each["score"] for each in lost] == [0.0]
    assert result["strategy"] != "layerwise"


def test_what_diverges_with_all_of_its_passes_gives_way_to_the_probe(
    reviews: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = train_module.train

    def diverging(prepared: Any, *given: Any, **named: Any) -> Any:
        made = real(prepared, *given, **named)
        if prepared.settings.strategy != "head" and prepared.chosen.epochs.value == 2:
            raise DivergedError("the training diverged")
        return made

    monkeypatch.setattr(module, "train", diverging)
    monkeypatch.setattr(wanted, "candidates", lambda *_, **__: [Candidate("full")])
    result = fitted(reviews, bert, tmp_path / "run")
    assert result["strategy"] == result["auto"]["taken"]["strategy"] == "head"
    assert "the linear probe" in result["auto"]["sentence"]
    plain = fitted(reviews, bert, tmp_path / "plain", strategy="head")
    assert result["scores"]["test"] == plain["scores"]["test"]


@pytest.mark.parametrize("preset", ["fast", "best"])
def test_a_preset_chooses(preset: Any, reviews: Path, bert: Path, tmp_path: Path) -> None:
    settings = FitSettings(
        data=str(reviews), backbone=str(bert), preset=preset, epochs=1, out=tmp_path / "run"
    )
    assert settings.strategy == "auto"
    assert run_fit(settings, Silent())["auto"]["probe"]["score"] > 0


def test_a_preset_and_a_strategy_cannot_both_be_typed() -> None:
    with pytest.raises(SettingsError, match="one of the two"):
        FitSettings(data="x", preset="best", strategy="head")


def test_what_was_chosen_comes_back_from_its_file() -> None:
    tried = Tried(Candidate("layerwise", 0.5), 0.25, 0.8, 0.4, 3.0)
    probe = Tried(Candidate("head"), 1.0, 0.7, 0.5, 1.0)
    made = Automatic(Candidate("layerwise", 0.5), probe, (tried,), 4.0)
    assert automatic_from_json(json.dumps(made.as_json())) == made
    lost = replace(made, taken=Candidate("head"), why="diverged")
    assert automatic_from_json(json.dumps(lost.as_json())) == lost


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Returns the place of 60 texts, of which none are left for validation."""
    texts, labels = tiny.toy_texts(60)
    return tiny.write_csv(tmp_path / "few.csv", {"text": texts, "label": labels})


def test_where_one_epoch_is_left_no_rows_are_left_out_and_the_rest_still_stands(
    few: Path, tmp_path: Path, bert: Path
) -> None:
    result = fitted(few, bert, tmp_path / "run", strategy="contrastive")
    epochs = [each["phase"] for each in result["history"]]
    assert epochs == ["pairs"] * 6 + ["head"], "three passes of pairs for each epoch"
    assert "val" not in result["scores"]
    assert result["verdict"] == ""
    assert result["gain"]["over"] == "linear probe"
    assert result["freezing"]["proof"]["holds"]


def test_pairs_of_rows_are_done_where_the_whole_trunk_has_frozen(
    few: Path, tmp_path: Path, bert: Path
) -> None:
    # Above 0.5 of the way left nothing goes on: all freezes at the second check that counts.
    asked = {"strategy": "contrastive", "freeze_threshold": "0.5", "control": True}
    result = fitted(few, bert, tmp_path / "run", **asked)
    epochs = [each["phase"] for each in result["history"]]
    assert set(epochs[:-1]) == {"pairs"}
    assert epochs[-1] == "head"
    assert len(epochs) < 7
    assert result["freezing"]["proof"]["holds"]
    assert "no validation rows" in result["control"]["sentence"]


def test_auto_judges_pairs_of_rows_by_rows_left_out(
    few: Path, tmp_path: Path, bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wanted, "candidates", lambda *_, **__: [Candidate("contrastive")])
    result = fitted(few, bert, tmp_path / "run")
    assert result["scores"]["val"]["accuracy"]["value"] >= result["auto"]["probe"]["score"]


@pytest.mark.parametrize("place", ["taken", "probe", "tried"])
def test_code_is_never_what_was_chosen(place: str) -> None:
    probe = Tried(Candidate("head"), 1.0, 0.8, 0.5, 1.0)
    told = Automatic(Candidate("head"), probe, (probe,), 1.0).as_json()
    code = {"strategy": "evil.payload:X", "rate": 1.0, "freeze": 0.0}
    told[place] = code if place == "taken" else {**told["probe"], "candidate": code}
    if place == "tried":
        told[place] = [told[place]]
    with pytest.raises(DamagedFileError, match=r"auto\.json names the strategy 'evil\.payload:X'"):
        automatic_from_json(json.dumps(told))
