"""Tests the verb: a complete run, whatever was chosen, and mistakes that leave nothing."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regraft.adaptation import selection
from regraft.adaptation.table import METHODS
from regraft.errors import DamagedFileError, DataError, GuardError, SettingsError
from regraft.features import cached
from regraft.freezing.ledger import CHANGES
from regraft.runs import adapt as verb
from regraft.runs.adapt import adapt, run_adapt
from regraft.runs.adapting.scored import shown_name
from regraft.runs.adapting.trying import try_methods
from regraft.runs.evaluate import evaluate
from regraft.runs.moving import asked
from regraft.runs.predict import predict
from regraft.runs.report import run_report
from regraft.runs.verify import verify
from regraft.settings import AdaptSettings
from regraft.toml import read_toml
from regraft.training.progress import Silent
from tests import tiny

FEW = ["source-only", "standardise", "coral-recolour", "pseudo"]
SOURCE, TARGET = tiny.toy_texts(240), tiny.texts_elsewhere(60)


@pytest.fixture(scope="module")
def tried(_own_cache: None, bert: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The result of trying a few methods on texts, the target's labels scored."""
    out = tmp_path_factory.mktemp("adapted") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asked, "methods_asked", lambda name: FEW)
        return adapt(SOURCE, target=TARGET, backbone=str(bert), out=out, score_target=True)


def test_every_method_is_in_the_document_source_only_first(tried: dict[str, Any]) -> None:
    names = [entry["name"].replace("_", "-") for entry in tried["methods"]]
    assert names == FEW
    for entry in tried["methods"]:
        assert set(entry["oracle"]["accuracy"]) == {"value", "low", "high"}


def test_the_document_is_that_of_a_run_and_more(tried: dict[str, Any]) -> None:
    written = json.loads((Path(tried["run"]) / "result.json").read_text("utf-8"))
    assert written == json.loads(json.dumps(tried))
    wanted = {"run", "data", "backbone", "strategy", "seed", "scores", "baselines", "seconds"}
    wanted |= {"trained_share", "freezing", "cache", "environment", "methods", "chosen", "oracle"}
    assert wanted <= set(tried)
    assert set(tried["scores"]) == {"val", "test", "target"}
    assert {"total", "data", "probe", "train", "adapt", "evaluate"} <= set(tried["seconds"])
    assert {"line", "saved_backward_share", "ledger", "proof"} <= set(tried["freezing"])


def test_the_run_predicts_as_the_document_says(tried: dict[str, Any]) -> None:
    scored = evaluate(tried["run"], TARGET)["scores"]["test"]["accuracy"]["value"]
    assert scored == pytest.approx(tried["scores"]["target"]["accuracy"]["value"], abs=0.02)
    assert predict(tried["run"], TARGET[0]).table.num_rows == 60


def test_rows_of_the_source_are_known_again(tried: dict[str, Any]) -> None:
    (warning,) = evaluate(tried["run"], SOURCE)["warnings"]
    assert warning.startswith(f"of 240 rows to be scored, {tried['run']} learnt from 216: ")
    assert evaluate(tried["run"], TARGET)["warnings"] == []


def test_the_run_is_proved_and_reported(tried: dict[str, Any]) -> None:
    assert verify(tried["run"])["holds"]
    assert "adapt" in run_report(Path(tried["run"])).read_text("utf-8")


def test_a_class_without_training_rows_is_refused_before_a_folder_is_made(
    bert: Path, tmp_path: Path
) -> None:
    texts, labels = tiny.toy_texts(240)
    groups = [f"g{row // 4}" for row in range(240)]
    odd = {"text": texts, "label": ["odd", *labels[1:]], "who": groups}
    out = tmp_path / "run"
    with pytest.raises(DataError, match="class 'odd' has no training rows"):
        adapt(odd, target=TARGET, backbone=str(bert), group="who", out=out)
    assert not out.exists()


@pytest.mark.parametrize("rows", [60, 240])
@pytest.mark.parametrize("method", ["source-only", "coral_recolour", "shot"])
def test_a_method_that_was_asked_for_makes_a_proved_run(
    bert: Path, tmp_path: Path, method: str, rows: int
) -> None:
    options: Any = {"backbone": str(bert), "method": method, "baselines": False}
    result = adapt(tiny.toy_texts(rows), target=TARGET[0], out=tmp_path / "run", **options)
    assert result["chosen"] in (method.replace("-", "_"), "source_only")
    assert len(result["methods"]) == 1 + (method != "source-only")
    assert "baselines" not in result
    assert "target" not in result["scores"]
    assert verify(tmp_path / "run") == {
        "holds": True,
        "faults": [],
        "stretches": 1 + (result["chosen"] != "source_only"),
    }


def test_source_only_is_what_fit_with_the_strategy_head_makes(bert: Path, tmp_path: Path) -> None:
    from regraft.runs.fit import fit
    from regraft.serving.store import load

    options: Any = {"backbone": str(bert), "baselines": False}
    adapt(SOURCE, target=TARGET[0], method="source-only", out=tmp_path / "a", **options)
    fit(SOURCE, strategy="head", out=tmp_path / "b", **options)
    found = [load(tmp_path / name).predict_proba(TARGET[0]) for name in "ab"]
    assert found[0] == pytest.approx(found[1], abs=1e-6)


def test_two_domains_of_one_table(bert: Path, tmp_path: Path) -> None:
    texts = [*SOURCE[0], *TARGET[0]]
    labels = [*SOURCE[1], *([""] * 60)]
    places = ["film"] * 240 + ["shop"] * 60
    columns = {"text": texts, "label": labels, "place": places}
    data = tiny.write_csv(tmp_path / "both.csv", columns)
    settings = AdaptSettings(
        data=str(data),
        domain="place",
        from_domain=("film",),
        to_domain="shop",
        backbone=str(bert),
        method="standardise",
        out=tmp_path / "run",
    )
    result = run_adapt(settings, Silent(), report=False)
    assert result["target"] == {
        "name": "both-shop",
        "rows": {"used": 60, "scored": 0},
        "problems": 0,
    }
    assert sum(result["data"]["rows"].values()) == 240
    assert not (tmp_path / "run" / "report.html").exists()


def collapse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every method but source-only answer with one class."""

    class Collapsed:
        def adapt(self, domains: Any) -> Any:
            from dataclasses import replace

            from regraft.adaptation.domains import Adapted

            bias = domains.start.bias.copy()
            bias[0] += 1000
            probe = replace(domains.start, bias=bias)
            return Adapted(probe, probe)

    monkeypatch.setitem(METHODS, "mcc", Collapsed)


def test_source_only_is_shipped_where_a_guard_fails_and_the_reason_is_told(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collapse(monkeypatch)
    options: Any = {"backbone": str(bert), "baselines": False, "method": "mcc"}
    result = adapt(SOURCE, target=TARGET[0], out=tmp_path / "run", **options)
    assert result["chosen"] == "source_only"
    assert "mcc: its answers have an entropy of 0.00 nats" in result["reason"]
    assert verify(tmp_path / "run")["holds"]


def test_strictly_that_is_an_error_which_leaves_nothing(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collapse(monkeypatch)
    options: Any = {"backbone": str(bert), "method": "mcc", "strict": True}
    with pytest.raises(GuardError, match="the guards drop mcc") as caught:
        adapt(SOURCE, target=TARGET[0], out=tmp_path / "run", **options)
    assert caught.value.exit_code == 4
    assert not (tmp_path / "run").exists()


def test_mistakes_are_told_before_the_network_is_opened(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no method 'mc'"):
        adapt(SOURCE, target=TARGET[0], method="mc")
    with pytest.raises(SettingsError, match="the target is missing"):
        adapt(SOURCE)
    (tmp_path / "mine").write_text("words")
    with pytest.raises(SettingsError, match="exists already"):
        adapt(SOURCE, target=TARGET[0], out=tmp_path)


def test_a_target_that_cannot_be_used_leaves_nothing(bert: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has 4 rows"):
        adapt(SOURCE, target=TARGET[0][:4], backbone=str(bert), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_failure_keeps_its_log(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(verb, "try_methods", fail)
    with pytest.raises(RuntimeError):
        adapt(SOURCE, target=TARGET[0], backbone=str(bert), out=tmp_path / "run")
    assert (tmp_path / "run" / "log.jsonl").stat().st_size
    assert (tmp_path / "run" / "checkpoints").is_dir()
    assert not (tmp_path / "run" / "result.json").exists()


WORDS = {
    "adabn": "buffers",
    "adabn+standardise": "buffers",
    "fourier": None,
    "fourier:beta=0.1+coral-recolour": None,
    "tapt:steps=3,rows=8": "weights",
    "tapt:steps=3,rows=8+standardise": "weights",
}


@pytest.mark.parametrize("rows", [60, 240])
@pytest.mark.parametrize("word", WORDS)
def test_a_preparation_makes_a_proved_run_that_predicts_what_was_scored(
    bert: Path, resnet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, rows: int
) -> None:
    monkeypatch.setattr(selection, "objections", lambda evidence: {})
    texts = word.startswith("tapt")
    source: Any = tiny.toy_texts(rows) if texts else picture_lists(rows)
    target: Any = TARGET if texts else picture_lists(70, dim=True)
    options: Any = {"backbone": str(bert if texts else resnet), "baselines": False}
    out = tmp_path / "run"
    result = adapt(source, target=target, method=word, out=out, score_target=True, **options)
    assert result["chosen"] == shown_name(word)
    kinds = [event["kind"] for event in result["freezing"]["ledger"]]
    assert [kind for kind in kinds if kind in CHANGES] == ([WORDS[word]] if WORDS[word] else [])
    assert verify(out) == {"holds": True, "faults": [], "stretches": 2}
    assert (result["trained_share"] > 0.5) is texts
    scored = evaluate(out, target)["scores"]["test"]
    kept = result["scores"]["target"]
    assert scored["accuracy"]["value"] == kept["accuracy"]["value"]
    assert scored["log_loss"]["value"] == pytest.approx(kept["log_loss"]["value"], abs=1e-5)


def test_answers_behind_a_preparation_are_judged_in_the_features_that_came(
    resnet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Any] = []

    def watched(domains: Any, *args: Any, **options: Any) -> Any:
        tried.append((domains, *try_methods(domains, *args, **options)))
        return tried[-1][1:]

    monkeypatch.setattr(verb, "try_methods", watched)
    options: Any = {"backbone": str(resnet), "baselines": False, "out": tmp_path / "run"}
    word = "adabn+standardise"
    adapt(picture_lists(60), target=picture_lists(70, dim=True)[0], method=word, **options)
    domains, judged, _ = tried[0]
    assert [each.name for each in judged] == ["source-only", word]
    for each in judged:
        information, reverse = selection.information_of(each.signs.predicted, domains)
        assert each.signs.information == pytest.approx(information)
        assert each.signs.reverse_right == pytest.approx(reverse)


def picture_lists(rows: int, *, dim: bool = False) -> tuple[list[Any], list[str]]:
    """Returns toy images and their labels, bright or dim ones."""
    pixels, labels = tiny.toy_pixels(rows)
    return list(pixels // 2 + 20 if dim else pixels), labels


def test_the_best_of_several_is_kept_or_none(bert: Path, tmp_path: Path) -> None:
    options: Any = {"backbone": str(bert), "baselines": False, "method": "mcc:steps=5,shot:steps=5"}
    result = adapt(SOURCE, target=TARGET[0], out=tmp_path / "run", **options)
    names = [entry["name"] for entry in result["methods"]]
    assert names == ["source_only", "mcc:steps=5", "shot:steps=5"]
    assert result["chosen"] in names


def test_preparations_that_can_do_nothing_are_told_together(bert: Path, tmp_path: Path) -> None:
    options: Any = {"backbone": str(bert), "baselines": False, "out": tmp_path / "run"}
    with pytest.raises(SettingsError) as caught:
        adapt(SOURCE, target=TARGET[0], method="adabn,fourier+mcc", **options)
    assert "adabn cannot be used: the network has no batch norm" in str(caught.value)
    assert "fourier+mcc cannot be used: it changes images" in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_several_sources_train_together_and_are_counted(bert: Path, tmp_path: Path) -> None:
    halves = [(SOURCE[0][:100], SOURCE[1][:100]), (SOURCE[0][100:], SOURCE[1][100:])]
    options: Any = {"backbone": str(bert), "baselines": False, "method": "standardise"}
    result = adapt(sources=halves, target=TARGET[0], out=tmp_path / "run", **options)
    counts = {each["name"]: sum(each["rows"].values()) for each in result["sources"]}
    assert counts == {"data": 100, "data-2": 140}
    for part, rows in result["data"]["rows"].items():
        assert rows == sum(each["rows"][part] for each in result["sources"])
    whole = adapt(SOURCE, target=TARGET[0], out=tmp_path / "whole", **options)
    digests = [each["freezing"]["ledger"][-1]["digests"] for each in (result, whole)]
    assert digests[0] == digests[1]
    assert verify(tmp_path / "run")["holds"]


@pytest.fixture(scope="module")
def taught(
    _own_cache: None, bert: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The result of a few methods with labelled rows of the target."""
    out = tmp_path_factory.mktemp("taught") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asked, "methods_asked", lambda name: FEW)
        return adapt(
            SOURCE,
            target=(tiny.numbered(TARGET[0]), TARGET[1]),
            backbone=str(bert),
            out=out,
            score_target=True,
            target_labels=20,
            baselines=False,
        )


def test_labelled_target_rows_are_used_and_said_and_not_scored(taught: dict[str, Any]) -> None:
    told = taught["target_labels"]
    assert (told["asked"], told["used_for_selection"], len(set(told["rows"]))) == (20, 20, 20)
    assert told["used_for_training"] == (0 if taught["chosen"] == "source_only" else 20)
    assert taught["target"]["rows"] == {"used": 60, "scored": 40}
    for entry in taught["methods"]:
        assert 0 <= entry["selection"]["labelled_accuracy"] <= 1
    assert verify(taught["run"])["holds"]
    labelled = (tiny.numbered(TARGET[0]), TARGET[1])
    (warning,) = evaluate(taught["run"], labelled)["warnings"]
    assert f"{taught['run']} learnt from 20: " in warning
    settings = (Path(taught["run"]) / "run.toml").read_text("utf-8")
    assert "target_labels = 20" in settings


def test_a_column_of_the_target_alone_is_typed_and_the_run_can_be_repeated(
    bert: Path, tmp_path: Path
) -> None:
    texts, labels = tiny.toy_texts(60)
    source = tiny.write_csv(tmp_path / "source.csv", {"text": texts, "label": labels})
    columns = {"comment": TARGET[0], "message": TARGET[0][::-1]}
    target = tiny.write_csv(tmp_path / "target.csv", columns)
    options: Any = {"backbone": str(bert), "baselines": False, "method": "standardise"}
    with pytest.raises(DataError, match="try --text comment or --text message"):
        adapt(str(source), target=str(target), out=tmp_path / "run", **options)
    result = adapt(str(source), target=str(target), out=tmp_path / "run", text="comment", **options)
    assert result["target"]["rows"]["used"] == 60
    again = AdaptSettings(**read_toml(tmp_path / "run" / "run.toml"), out=tmp_path / "again")
    assert again.text == "comment"
    digests = [
        each["freezing"]["ledger"][-1]["digests"] for each in (result, run_adapt(again, Silent()))
    ]
    assert digests[0] == digests[1]


@pytest.mark.parametrize("moving", [{}, {"strategy": "two-stage", "epochs": 1.0, "freeze": 1}])
def test_target_rows_without_finite_features_are_problems_and_the_others_adapted_to(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moving: dict[str, Any]
) -> None:
    real = cached.pooled

    def spoilt(level: Any, rows: Any, *, cache: Any) -> Any:
        found = real(level, rows, cache=cache)
        return np.where(np.arange(len(found)) < 2, np.nan, found.T).T if len(found) == 60 else found

    monkeypatch.setattr(cached, "pooled", spoilt)
    options: Any = {"backbone": str(bert), "baselines": False, "method": "standardise", **moving}
    result = adapt(SOURCE, target=TARGET, out=tmp_path / "run", score_target=True, **options)
    assert result["target"]["rows"] == {"used": 58, "scored": 58}
    assert result["target"]["problems"] == 2
    lines = (tmp_path / "run" / "problems.csv").read_text("utf-8").splitlines()
    assert len([line for line in lines if "no finite numbers" in line]) == 2
    assert verify(tmp_path / "run")["holds"]


COLLAPSED = {"narrow", "stranger"}


@pytest.mark.parametrize(("negative", "guards"), [(0, COLLAPSED), (2, COLLAPSED), (30, set())])
def test_guards_see_a_target_whose_classes_are_others_than_expected(
    bert: Path, tmp_path: Path, negative: int, guards: set[str]
) -> None:
    texts, labels = (each[240:] for each in tiny.toy_texts(360))
    by_class = [[t for t, k in zip(texts, labels, strict=True) if k == n] for n in ("neg", "pos")]
    target = [*by_class[0][:negative], *by_class[1][:30]]
    options: Any = {"backbone": str(bert), "method": "reweight", "baselines": False}
    result = adapt(SOURCE, target=target, out=tmp_path / "run", **options)
    found = {name for name, reason in result["methods"][1]["guards"].items() if reason}
    assert found == guards
    assert (result["chosen"] == "source_only") is bool(guards)


def test_a_picture_that_vanishes_after_training_costs_no_training(
    resnet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tiny.image_folders(tmp_path / "tiles", 60)
    monkeypatch.setattr("regraft.data.inputs.KEPT_BYTES", 0)  # paths stay, and no pixels
    options: Any = {"backbone": str(resnet), "baselines": False}
    real = verb._save

    def gone(folder: Any, outcome: Any, made: Any) -> None:
        Path(made.prepared.dataset.parts["train"].inputs[0]).unlink()
        real(folder, outcome, made)

    monkeypatch.setattr(verb, "_save", gone)
    target, out = picture_lists(70, dim=True)[0], tmp_path / "run"
    with pytest.raises(DamagedFileError, match="there is no file"):
        adapt(data, target=target, method="source-only", out=out, **options)
    assert (out / "log.jsonl").exists()


def test_a_guard_that_is_not_the_strict_one_leaves_what_was_trained(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise GuardError("no")

    monkeypatch.setattr(verb, "_save", refuse)
    options: Any = {"backbone": str(bert), "method": "source-only", "baselines": False}
    with pytest.raises(GuardError):
        adapt(SOURCE, target=TARGET[0], out=tmp_path / "run", **options)
    assert (tmp_path / "run" / "log.jsonl").exists()


def test_a_model_that_does_not_come_back_completes_no_run(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(run: Path, network: Any) -> None:
        raise DamagedFileError("it answers otherwise")

    monkeypatch.setattr("regraft.runs.fitting.outcome.load", refuse)
    options: Any = {"backbone": str(bert), "method": "source-only", "baselines": False}
    with pytest.raises(DamagedFileError, match="cannot be read back"):
        adapt(SOURCE, target=TARGET[0], out=tmp_path / "run", **options)
    assert (tmp_path / "run" / "model").is_dir()
    assert not (tmp_path / "run" / "result.json").exists()
