"""Tests whole runs in which the trunk moves: judged alike, proved, resumed, labels unread."""

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from regraft.backbones.open import open_backbone
from regraft.errors import DataError, SettingsError
from regraft.runs.adapt import adapt, run_adapt
from regraft.runs.choosing import defaults
from regraft.runs.evaluate import evaluate
from regraft.runs.moving import training as moving
from regraft.runs.report import read_result
from regraft.runs.resume import resume
from regraft.runs.verify import verify
from regraft.settings import AdaptSettings
from regraft.training import steps as steps_module
from regraft.training.keeping import keeper
from regraft.training.progress import Silent
from tests import tiny
from tests.unit.runs.moving.conftest import usual_steps

SOURCE, TARGET = tiny.toy_texts(240), tiny.texts_elsewhere(60)
USUAL: dict[str, Any] = {"epochs": 2.0, "lr": 2e-3, "baselines": False, "precision": "fp32"}


class StoppedHereError(Exception):
    """Stands for a kill."""


def stop_after(step: int, patch: pytest.MonkeyPatch) -> None:
    """Lets the process end, as by a kill, when so many steps were taken."""
    real, seen = steps_module._step, [0]

    def killed(*given: Any) -> Any:
        seen[0] += 1
        if seen[0] > step:
            raise StoppedHereError
        return real(*given)

    patch.setattr(steps_module, "_step", killed)


def tables(folder: Path) -> dict[str, Any]:
    """Returns the settings that name both domains, as tables in a folder."""
    source = tiny.write_csv(folder / "source.csv", {"text": SOURCE[0], "label": SOURCE[1]})
    target = tiny.write_csv(folder / "target.csv", {"text": TARGET[0]})
    return {"data": str(source), "target": str(target)}


def run_to(out: Path, settings: AdaptSettings) -> dict[str, Any]:
    return run_adapt(settings.model_copy(update={"out": out}), Silent(), report=False)


def weights(result: dict[str, Any]) -> str:
    """Returns the digest of the saved weights, the last entry of the ledger."""
    digest: str = result["freezing"]["ledger"][-1]["digests"]["model.safetensors"]
    return digest


def prefer(monkeypatch: pytest.MonkeyPatch, *, moved: bool = True) -> None:
    """Lets guards pass or drop all that moved the trunk, whatever a toy shows."""
    real = moving.held_to

    def held_to(*given: Any, **named: Any) -> Any:
        from dataclasses import replace

        judged = real(*given, **named)
        signs = replace(judged.signs, information=judged.signs.information + 1.0)
        told = {} if moved else {"narrow": "it is not wanted here"}
        return replace(judged, signs=signs, objections=told)

    monkeypatch.setattr(moving, "held_to", held_to)


@pytest.mark.parametrize("method", ["dann", "pseudo", "shot", "gaussian:position=2"])
def test_a_moved_trunk_is_kept_proved_and_answers_as_the_document_says(
    bert: Path, tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefer(monkeypatch)
    result = adapt(
        SOURCE,
        target=TARGET,
        backbone=str(bert),
        method=method,
        out=tmp_path / "run",
        score_target=True,
        freeze=1,
        **USUAL,
    )
    assert result["chosen"] == method
    assert result["source_strategy"] == "two-stage"
    assert [entry["name"] for entry in result["methods"]] == ["source_only", method]
    assert [phase["name"] for phase in result["plan"]["phases"]] == ["head", "tune", "align"]
    assert result["plan"]["phases"][-1]["alignment"].startswith(method.partition(":")[0])
    assert result["freezing"]["line"] == 1
    assert verify(tmp_path / "run")["faults"] == []
    assert not (tmp_path / "run" / "checkpoints").exists()
    scored = evaluate(tmp_path / "run", TARGET)["scores"]["test"]["accuracy"]["value"]
    assert scored == pytest.approx(result["scores"]["target"]["accuracy"]["value"], abs=0.02)
    aligned = [record for record in result["history"] if record["phase"] == "align"]
    assert [set(record["signs"]) for record in aligned] == [
        {*result["methods"][1]["selection"], "guards"}
    ] * 2


@pytest.mark.parametrize("freeze", ["0", "1"])
def test_few_rows_are_chosen_by_folds_and_move_on(
    freeze: str, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefer(monkeypatch)
    result = adapt(
        tiny.toy_texts(80),
        target=TARGET[0],
        backbone=str(bert),
        method="mmd",
        out=tmp_path / "run",
        **{**USUAL, "epochs": 1.0, "freeze": freeze},
    )
    assert result["chosen"] == "mmd"
    assert verify(tmp_path / "run")["faults"] == []


def test_a_method_that_diverged_is_left_out_beside_others(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regraft.adaptation.moving import moving_phase as real

    def fast(word: str, phases: Any, *, chain: Any) -> Any:
        from dataclasses import replace

        made = real(word, phases, chain=chain)
        rates = tuple(1e30 for _ in made.rates)
        return replace(made, head_rate=1e30, rates=rates) if word.startswith("mcc") else made

    monkeypatch.setattr(moving, "moving_phase", fast)
    options: Any = {**USUAL, "backbone": str(bert), "epochs": 1.0}
    result = adapt(SOURCE, target=TARGET[0], method="mmd,mcc", out=tmp_path / "a", **options)
    assert [entry["name"] for entry in result["methods"]] == ["source_only", "mmd"]
    with pytest.raises(SettingsError, match="the training diverged"):
        adapt(SOURCE, target=TARGET[0], method="mcc", out=tmp_path / "b", **options)
    assert not (tmp_path / "b").exists()


def test_labels_of_the_target_change_no_weight_and_no_choice(bert: Path, tmp_path: Path) -> None:
    texts, labels = TARGET
    found = []
    for name, told in (("plain", labels), ("permuted", random.Random(3).sample(labels, 60))):
        settings = AdaptSettings(
            data=str(
                tiny.write_csv(tmp_path / "source.csv", {"text": SOURCE[0], "label": SOURCE[1]})
            ),
            target=str(tiny.write_csv(tmp_path / f"{name}.csv", {"text": texts, "label": told})),
            backbone=str(bert),
            preset="best",
            out=tmp_path / name,
            **{**USUAL, "epochs": 1.0},
        )
        found.append(run_adapt(settings, Silent(), report=False))
    assert weights(found[0]) == weights(found[1])
    chosen = [
        [result["chosen"], *((e["name"], e["selection"], e["guards"]) for e in result["methods"])]
        for result in found
    ]
    assert json.dumps(chosen[0]) == json.dumps(chosen[1])
    assert len(found[0]["methods"]) == 7 + 7


def cdan(folder: Path, bert: Path) -> AdaptSettings:
    return AdaptSettings(**tables(folder), backbone=str(bert), method="cdan", **USUAL)


@pytest.fixture(scope="module")
def whole(_own_cache: None, bert: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The result of a run that was not stopped."""
    folder = tmp_path_factory.mktemp("whole")
    with tiny.spared() as patch:
        usual_steps(patch)
        prefer(patch)
        return run_to(folder / "run", cdan(folder, bert))


@pytest.mark.parametrize("step", [3, 16, 23])
def test_a_stopped_run_is_completed_as_if_it_never_was(
    whole: dict[str, Any], bert: Path, tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefer(monkeypatch)
    monkeypatch.setattr(keeper.Keeper, "due", property(lambda self: True))
    with monkeypatch.context() as patch:
        stop_after(step, patch)
        with pytest.raises(StoppedHereError):
            run_to(tmp_path / "stopped", cdan(tmp_path, bert))
    assert (tmp_path / "stopped" / "checkpoints").is_dir()
    found = resume(tmp_path / "stopped")
    assert weights(found) == weights(whole)
    ledgers = [json.dumps(each["freezing"]["ledger"]) for each in (found, whole)]
    assert ledgers[0] == ledgers[1]
    assert not (tmp_path / "stopped" / "checkpoints").exists()


def untyped(folder: Path, bert: Path) -> AdaptSettings:
    """Returns settings without a rate."""
    typed = {name: value for name, value in USUAL.items() if name != "lr"}
    return AdaptSettings(
        **tables(folder), backbone=str(bert), method="mcc", **{**typed, "epochs": 1.0}
    )


def uneven_steps(patch: pytest.MonkeyPatch) -> None:
    """Lets steps of one domain have fewer rows than those that compare two: another rate."""
    patch.setitem(defaults.BATCH_SIZES, "text", (8, 32))


@pytest.fixture(scope="module")
def unrated(_own_cache: None, bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose rates nobody typed."""
    folder = tmp_path_factory.mktemp("unrated")
    with tiny.spared() as patch:
        uneven_steps(patch)
        prefer(patch)
        run_to(folder / "run", untyped(folder, bert))
    return folder / "run"


@pytest.mark.parametrize("step", [5, 26])
def test_rates_that_nobody_typed_stay_when_a_run_goes_on(
    unrated: Path, bert: Path, tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefer(monkeypatch)
    uneven_steps(monkeypatch)
    with monkeypatch.context() as patch:
        stop_after(step, patch)
        with pytest.raises(StoppedHereError):
            run_to(tmp_path / "stopped", untyped(tmp_path, bert))
    assert weights(resume(tmp_path / "stopped")) == weights(read_result(unrated))


def test_rates_that_nobody_typed_stay_when_a_run_is_repeated(
    unrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regraft.toml import read_toml

    prefer(monkeypatch)
    uneven_steps(monkeypatch)
    written = read_toml(unrated / "run.toml")
    assert written["lr"] == pytest.approx(1e-4)
    again = run_to(tmp_path / "again", AdaptSettings(**written))
    assert weights(again) == weights(read_result(unrated))


def test_a_trunk_that_moves_on_is_pulled_back_to_where_the_source_began(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regraft.training.loop import work as real

    prefer(monkeypatch)
    starts: list[dict[str, Any]] = []

    def work(session: Any, phases: Any) -> None:
        real(session, phases)
        starts.append(session.start)

    monkeypatch.setattr(moving, "work", work)
    settings = AdaptSettings(
        **tables(tmp_path),
        backbone=str(bert),
        strategy="l2-start:alpha=0.3",
        method="mcc",
        **USUAL,
    )

    def run(name: str) -> dict[str, Any]:
        return run_to(tmp_path / name, settings)

    whole = run("whole")
    with monkeypatch.context() as patch:
        stop_after(16, patch)
        with pytest.raises(StoppedHereError):
            run("stopped")
    assert weights(resume(tmp_path / "stopped")) == weights(whole)
    came = open_backbone(str(bert)).network.state_dict()
    assert len(starts) == 2
    for start in starts:
        same = [torch.equal(start[name], came[name]) for name in came if "layer" in name.lower()]
        assert len(same) > 20
        assert all(same)


@pytest.mark.parametrize("edited", ["source", "target", "labels"])
def test_a_stopped_run_is_refused_on_other_rows_though_its_source_is_learnt(
    bert: Path, tmp_path: Path, edited: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = {
        "source": {"text": SOURCE[0], "label": SOURCE[1]},
        "target": {"text": TARGET[0], "label": TARGET[1]},
    }
    files = {name: tiny.write_csv(tmp_path / f"{name}.csv", each) for name, each in columns.items()}
    settings = AdaptSettings(
        data=str(files["source"]),
        target=str(files["target"]),
        target_labels=6,
        backbone=str(bert),
        method="mcc",
        out=tmp_path / "stopped",
        **USUAL,
    )
    with monkeypatch.context() as patch:
        stop_after(16, patch)
        with pytest.raises(StoppedHereError):
            run_adapt(settings, Silent(), report=False)
    place = "target" if edited == "labels" else edited
    other = {"text": [*columns[place]["text"][:-1], "another text"]}
    if edited == "labels":  # of which some are learnt from
        other = {"label": columns[place]["label"][::-1]}
    tiny.write_csv(files[place], {**columns[place], **other})
    with pytest.raises(DataError, match="not those that the run was started with"):
        resume(tmp_path / "stopped")
    tiny.write_csv(files[place], columns[place])
    assert resume(tmp_path / "stopped")["freezing"]["proof"]["holds"]


def test_a_run_that_was_kept_is_repeated_from_its_settings(bert: Path, tmp_path: Path) -> None:
    from regraft.toml import read_toml

    first = adapt(
        SOURCE, target=TARGET[0], backbone=str(bert), method="mcc", out=tmp_path / "a", **USUAL
    )
    written = read_toml(tmp_path / "a" / "run.toml")
    assert written["strategy"] == "two-stage"
    kept = {n: v for n, v in written.items() if n not in ("data", "target")}
    again = adapt(SOURCE, target=TARGET[0], **{**kept, "out": tmp_path / "b"})
    assert weights(first) == weights(again)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"method": "dann:discriminator=cnn"}, "discriminator cnn cannot read"),
        ({"method": "dann:position=99"}, "position=99 does not exist"),
        ({"method": "mcc", "freeze": 99}, "freeze = 99"),
        ({"strategy": "auto"}, "no target label could choose"),
    ],
)
def test_mistakes_are_told_before_anything_is_trained(
    bert: Path, tmp_path: Path, typed: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        adapt(SOURCE, target=TARGET[0], backbone=str(bert), out=tmp_path / "run", **USUAL, **typed)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "method", ["dann:position=2", "gaussian:position=2", "mcc,cdan:position=1"]
)
def test_a_position_where_tokens_come_before_rows_is_refused_before_anything_is_trained(
    bert: Path, tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*given: Any) -> None:
        raise AssertionError("a step was taken")

    monkeypatch.setattr(steps_module, "_step", never)
    words: Any = {**USUAL, "method": method, "freeze": 0, "backbone": str(xlnet(bert, tmp_path))}
    with pytest.raises(SettingsError, match=r"position=\d cannot be used: .* row by row"):
        adapt(SOURCE, target=TARGET[0], out=tmp_path / "run", **words)
    assert not (tmp_path / "run").exists()


def xlnet(bert: Path, folder: Path) -> Path:
    """Writes a random XLNet, which passes (T, B, D) on, with the tokenizer of another network."""
    import transformers

    shutil.copy(bert / "tokenizer.json", folder)
    size = json.loads((bert / "config.json").read_text())["vocab_size"]
    config = transformers.XLNetConfig(
        vocab_size=size, d_model=16, n_layer=2, n_head=2, d_inner=32, pad_token_id=0
    )
    transformers.XLNetModel(config).save_pretrained(folder)
    return folder


def test_answers_are_learnt_again_in_features_that_did_not_move() -> None:
    """Features that were moved by the answers repeat them; those that came may not."""
    from regraft.adaptation.selection import signs_of
    from regraft.adaptation.source_only import SourceOnly
    from tests.two_domains import domains, two_classes

    made = domains(two_classes(200, 1), two_classes(200, 2))
    adapted = SourceOnly().adapt(made)
    noise = np.random.default_rng(0).standard_normal((200, 2)).astype(np.float32)
    plain, same = signs_of(adapted, made), signs_of(adapted, made, space=made)
    held = signs_of(adapted, made, space=replace(made, target=noise))
    assert (same.information, same.reverse_accuracy) == (plain.information, plain.reverse_accuracy)
    assert held.information < 0.1 < plain.information
    assert held.reverse_accuracy < 0.7 < plain.reverse_accuracy
    assert held.source_accuracy == plain.source_accuracy


def test_where_every_method_diverges_source_only_falls_back_and_names_them(
    bert: Path, tmp_path: Path
) -> None:
    words = {**USUAL, "method": "dann:rate=1e30,cdan:rate=1e30"}
    result = adapt(SOURCE, target=TARGET[0], backbone=str(bert), out=tmp_path / "run", **words)
    assert result["chosen"] == "source_only"
    assert result["reason"].endswith("as dann:rate=1e30 and cdan:rate=1e30 diverged")
