import json
import tomllib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import timm
import torch

import regraft
from regraft.errors import (
    BackboneError,
    DamagedFileError,
    DataError,
    RegraftError,
    SettingsError,
    StorageError,
    UserError,
)
from regraft.features import prefixed as prefixed_module
from regraft.features.worth import Worth
from regraft.runs import fit as fit_module
from regraft.runs.choosing import defaults, modes
from regraft.runs.fit import fit, run_fit
from regraft.runs.fitting import repeat as repeat_module
from regraft.runs.fitting.folder import WRITTEN, RunFolder
from regraft.runs.fitting.logged import beating
from regraft.runs.trials import automatic as automatic_module
from regraft.serving.model import Answers, Model
from regraft.serving.store import load
from regraft.settings import FitSettings
from regraft.toml import read_toml
from regraft.training.keeping.keeper import Keeper
from regraft.training.progress import Silent
from tests import tiny

FILES = {
    "log.jsonl",
    "model",
    "predictions-test.parquet",
    "report.html",
    "result.json",
    "rows-learnt.parquet",
    "run.toml",
}


def quick(bert: Path, **options: Any) -> dict[str, Any]:
    """Returns the options of a fit that takes a fraction of a second."""
    return {"backbone": str(bert), "strategy": "head", "baselines": False, **options}


def result_of(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "result.json").read_text("utf-8"))
    return found


def test_a_run_folder_holds_these_files(text_run: Path) -> None:
    assert {path.name for path in text_run.iterdir()} == FILES


def test_the_result_says_what_was_done(text_run: Path, bert: Path) -> None:
    result = result_of(text_run)
    assert result["data"]["rows"] == {"train": 192, "val": 24, "test": 24}
    assert result["backbone"]["name"] == str(bert)
    assert set(result["baselines"]) == {"majority", "classic", "linear_probe"}
    assert result["scores"]["test"]["accuracy"]["value"] > 0.8
    assert result["freezing"]["proof"]["holds"] is True
    assert [phase["name"] for phase in result["plan"]["phases"]] == ["head", "tune"]


def test_the_settings_kept_are_those_resolved(text_run: Path) -> None:
    kept = tomllib.loads((text_run / "run.toml").read_text("utf-8"))
    assert kept["settings"]["epochs"] == 1
    assert kept["settings"]["max_length"] == 16
    assert kept["precision"]["training"] in ("fp32", "bf16")


def test_the_stored_test_predictions_are_those_that_were_scored(text_run: Path) -> None:
    table = pq.read_table(text_run / "predictions-test.parquet").to_pydict()
    right = sum(a == b for a, b in zip(table["label"], table["prediction"], strict=True))
    accuracy = result_of(text_run)["scores"]["test"]["accuracy"]["value"]
    assert right / len(table["label"]) == accuracy


def test_the_ends_of_long_texts_decide_in_training_and_in_a_run_that_is_opened_again(
    bert: Path, tmp_path: Path
) -> None:
    texts, labels = tiny.toy_texts(120)
    long = [f"{'the ' * 40}{text}" for text in texts]
    options = {**quick(bert), "strategy": "head", "max_length": 16}
    found = {
        cut: fit((long, labels), out=tmp_path / cut, cut=cut, **options)
        for cut in ("end", "middle")
    }
    scores = {cut: result["scores"]["test"]["accuracy"]["value"] for cut, result in found.items()}
    assert scores["end"] < 0.7 < 0.8 < scores["middle"]
    answers = load(tmp_path / "middle").predict(long)
    assert np.mean([a == b for a, b in zip(answers, labels, strict=True)]) > 0.8
    assert len(set(load(tmp_path / "end").predict(long))) == 1


def test_python_lists_are_data_too(bert: Path, tmp_path: Path) -> None:
    result = fit(tiny.toy_texts(40), out=tmp_path / "run", **quick(bert))
    assert result["data"]["rows"] == {"train": 36, "val": 0, "test": 4}
    assert "baselines" not in result
    assert result_of(tmp_path / "run")["scores"] == result["scores"]


def test_a_path_may_be_a_path_object(bert: Path, reviews: Path, tmp_path: Path) -> None:
    result = fit(reviews, out=tmp_path / "run", **quick(bert))
    assert result["data"]["name"] == "reviews"


def test_a_report_can_be_left_out(bert: Path, tmp_path: Path) -> None:
    settings = FitSettings(out=tmp_path / "run", **quick(bert))
    run_fit(settings, Silent(), source=tiny.toy_texts(40), report=False)
    assert {p.name for p in (tmp_path / "run").iterdir()} == FILES - {"report.html"}


def test_rows_that_were_left_out_are_listed(bert: Path, tmp_path: Path) -> None:
    texts, labels = tiny.toy_texts(40)
    path = tiny.write_csv(tmp_path / "a.csv", {"text": [*texts, ""], "label": [*labels, "pos"]})
    fit(path, out=tmp_path / "run", **quick(bert))
    lines = (tmp_path / "run" / "problems.csv").read_text("utf-8").splitlines()
    assert lines[0] == "file,line,reason"
    assert lines[1].endswith(",42,the text is empty")


def test_a_run_of_one_class_set_is_the_backbone_of_another(text_run: Path, tmp_path: Path) -> None:
    texts, labels = tiny.toy_texts(60)
    three = [["one", "two", "three"][i % 3] for i in range(len(labels))]
    options = quick(text_run)
    result = fit((texts, three), out=tmp_path / "run", **options)
    assert result["backbone"]["name"] == str(text_run)
    old, new = load(text_run), load(tmp_path / "run")
    assert new.classes == ("one", "three", "two")
    for name, tensor in old.network.trunk.state_dict().items():
        assert torch.equal(tensor, new.network.trunk.state_dict()[name])


def test_a_strategy_that_is_unknown_leaves_nothing(bert: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no strategy 'two-stag'.*try --strategy two-stage"):
        fit(tiny.toy_texts(40), out=tmp_path / "run", **quick(bert, strategy="two-stag"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "data",
    [
        "nothing.csv",
        (["only one class"] * 40, ["a"] * 40),
        ([], []),
        (["a", "b"], ["a"]),
        (["same"] * 40, ["a", "b"] * 20),
    ],
)
def test_data_that_cannot_be_used_leave_nothing(bert: Path, tmp_path: Path, data: object) -> None:
    with pytest.raises(DataError):
        fit(data, out=tmp_path / "run", **quick(bert))
    assert list(tmp_path.iterdir()) == []


def test_a_network_of_the_other_kind_is_refused(resnet: Path, tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="reads images, and the data are texts"):
        fit(tiny.toy_texts(40), out=tmp_path / "run", **quick(resnet))
    assert list(tmp_path.iterdir()) == []


def test_an_occupied_folder_is_refused_before_the_data_are_read(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine").write_text("words")
    with pytest.raises(SettingsError, match=r"exists already.*--out .*run-2"):
        fit("nothing.csv", out=tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["mine"]


def test_a_user_mistake_found_late_leaves_nothing_and_a_failure_its_log(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(error: RegraftError) -> None:
        def train(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(automatic_module, "train", train)
        with pytest.raises(type(error)):
            fit(tiny.toy_texts(40), out=tmp_path / "run", **quick(bert))

    fail(UserError("too few"))
    assert list(tmp_path.iterdir()) == []
    fail(StorageError("full"))
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "checkpoints",
        "log.jsonl",
        "run.toml",
    }


class Told(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, sentence: str) -> None:
        self.lines.append(sentence)


def test_a_picture_that_vanishes_after_training_costs_no_training(
    resnet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tiny.image_folders(tmp_path / "tiles", 60)
    monkeypatch.setattr("regraft.data.inputs.KEPT_BYTES", 0)  # paths stay, and no pixels
    real, told, out = fit_module._save, Told(), tmp_path / "my run"

    def gone(folder: RunFolder, outcome: Any, prepared: Any) -> str:
        Path(prepared.dataset.parts["train"].inputs[0]).unlink()
        return real(folder, outcome, prepared)

    monkeypatch.setattr(fit_module, "_save", gone)
    settings = FitSettings(data=str(data), out=out, **quick(resnet))
    with pytest.raises(DamagedFileError, match=r"there is no file .*before the training") as caught:
        run_fit(settings, told)
    assert caught.value.exit_code == 3
    assert {path.name for path in out.iterdir()} >= {"log.jsonl", "run.toml"}
    assert told.lines[-1] == f"go on with: regraft resume '{out}'"


def test_rows_that_cannot_be_used_after_training_cost_no_training(
    reviews: Path, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(*_: object) -> None:
        raise DataError("odd rows")

    monkeypatch.setattr(fit_module, "_save", odd)
    with pytest.raises(DataError, match="odd rows"):
        fit(reviews, out=tmp_path / "run", **quick(bert))
    assert (tmp_path / "run" / "log.jsonl").exists()


def test_a_disk_that_is_nearly_full_is_told_before_training(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, settings = Told(), FitSettings(out=tmp_path / "run", **quick(bert))
    monkeypatch.setattr("shutil.disk_usage", lambda place: SimpleNamespace(free=1000))
    run_fit(settings, told, source=tiny.toy_texts(40))
    (line,) = [line for line in told.lines if "MB left" in line]
    assert line.startswith(f"warning: the disk of {tmp_path / 'run'} has 0.0 MB left")


def test_a_test_row_that_is_lost_is_no_wrong_answer(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Model.answer

    def answer(model: Model, inputs: Any, **named: Any) -> Answers:
        found = real(model, inputs, **named)
        return replace(found, errors=("it is gone", *found.errors[1:]))

    monkeypatch.setattr(Model, "answer", answer)
    with pytest.raises(DamagedFileError, match="cannot be scored: it is gone"):
        fit(tiny.toy_texts(40), out=tmp_path / "run", **quick(bert))
    assert (tmp_path / "run" / "log.jsonl").exists()


@pytest.mark.parametrize("rows", [40, 240])
def test_a_training_that_diverges_is_the_user_s_to_mend_and_leaves_nothing(
    bert: Path, tmp_path: Path, rows: int
) -> None:
    options = quick(bert, strategy="full", epochs=1, lr=1e30, optimizer="sgd", weight_decay=1.0)
    with pytest.raises(SettingsError, match=r"the training diverged.*a smaller --lr") as caught:
        fit(tiny.toy_texts(rows), out=tmp_path / "run", **options)
    assert caught.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_pairs_that_diverge_are_no_bug_of_the_solver(bert: Path, tmp_path: Path) -> None:
    options = quick(bert, strategy="contrastive", epochs=1, lr=1e30, optimizer="sgd")
    with pytest.raises(SettingsError, match="the training diverged"):
        fit(tiny.toy_texts(40), out=tmp_path / "run", **options)


def test_the_log_has_the_epochs_of_the_folds_as_they_happen(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise StorageError("full")

    monkeypatch.setattr(fit_module, "_scored", stop)
    with pytest.raises(StorageError):
        fit(tiny.toy_texts(60), out=tmp_path / "run", **quick(bert))
    lines = [json.loads(x) for x in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    events = [line["event"] for line in lines]
    assert events.count("epoch") == 6
    words = [line["words"] for line in lines if line["event"] == "say"]
    assert sum(word.startswith("fold ") for word in words) == 5


def test_the_budget_starts_with_the_verb(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []

    def train(*_: object, deadline: float, **__: object) -> None:
        seen.append(deadline)
        raise UserError("enough")

    monkeypatch.setattr(automatic_module, "train", train)
    ticks = iter(range(100))
    monkeypatch.setattr("time.monotonic", lambda: float(next(ticks)))
    with pytest.raises(UserError):
        fit(tiny.toy_texts(40), out=tmp_path / "run", max_seconds=1000.0, **quick(bert))
    assert 990 < seen[0] < 1000  # what follows training takes its share


@pytest.mark.parametrize("head", ["linear", "mlp:8"])
def test_a_run_repeated_from_its_own_file_gives_the_same_bytes(
    bert: Path, reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: str
) -> None:
    def digest(result: dict[str, Any]) -> str:
        found: str = result["freezing"]["ledger"][-1]["digests"]["model.safetensors"]
        return found

    monkeypatch.setitem(defaults.EPOCHS, "text", (2, 2))  # chosen by each run, and few
    options = quick(bert, strategy="two-stage", head=head, patience=1)
    first = fit(reviews, out=tmp_path / "one", **options)
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(modes, "decide", None)  # the verdict is not measured again
    settings = FitSettings(**read_toml(tmp_path / "one" / "run.toml"), out=tmp_path / "two")
    assert digest(run_fit(settings, Silent())) == digest(first)
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path / "third"))
    again = FitSettings(**read_toml(tmp_path / "two" / "run.toml"), out=tmp_path / "three")
    assert digest(run_fit(again, Silent())) == digest(first)


def test_what_a_clock_decided_of_the_cache_is_repeated_too(
    bert: Path, reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = quick(bert, strategy="full", freeze=2, epochs=3, augment="none")
    monkeypatch.setattr(prefixed_module, "worth_of", lambda *_: Worth(1.0, 0.1, 0.1, 10.0))
    first = fit(reviews, out=tmp_path / "one", **options)
    kept = tomllib.loads((tmp_path / "one" / "run.toml").read_text("utf-8"))["kept"]
    assert kept == {"line 2, 3 passes, 1 views": True}
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(prefixed_module, "worth_of", lambda *_: Worth(1.0, 9.0, 9.0, 10.0))
    settings = FitSettings(**read_toml(tmp_path / "one" / "run.toml"), out=tmp_path / "two")
    again = run_fit(settings, Silent())
    assert again["cache"]["computed"] > 0
    events = [result["freezing"]["ledger"][-1] for result in (first, again)]
    assert events[0]["digests"] == events[1]["digests"]
    other = fit(reviews, out=tmp_path / "three", **options)
    assert other["cache"]["worth"][0]["pays"] is False


def test_another_machine_measures_anew_and_says_so(
    bert: Path, reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit(reviews, out=tmp_path / "one", **quick(bert))
    monkeypatch.setattr(repeat_module, "device_name", lambda device: "another")
    settings = FitSettings(**read_toml(tmp_path / "one" / "run.toml"), out=tmp_path / "two")
    run_fit(settings, Silent())
    log = (tmp_path / "two" / "log.jsonl").read_text("utf-8")
    assert "measured anew: processor was" in log


def test_every_choice_is_said_with_its_reason(bert: Path, tmp_path: Path) -> None:
    class Heard(Silent):
        def __init__(self) -> None:
            self.lines: list[str] = []

        def say(self, sentence: str) -> None:
            self.lines.append(sentence)

    heard = Heard()
    settings = FitSettings(out=tmp_path / "run", **quick(bert, epochs=2))
    result = run_fit(settings, heard, source=tiny.toy_texts(40))
    assert "epochs = 2: as you typed" in heard.lines
    assert any(line.startswith("batch_size = 8: of ") for line in heard.lines)
    understood = [heard.lines.index(line) for line in result["understood"]]
    assert max(understood) < heard.lines.index("epochs = 2: as you typed")


class Net(torch.nn.Module):
    """A network that a program brings itself."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, stride=4), torch.nn.ReLU())
        self.top = torch.nn.Sequential(torch.nn.Conv2d(8, 8, 3), torch.nn.ReLU())

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.top(self.stem(pixels)).mean(dim=(2, 3))
        return found


def test_a_network_of_a_program_is_fitted_and_loaded_by_that_program(tmp_path: Path) -> None:
    torch.manual_seed(0)
    mine = Net()
    before = {name: tensor.clone() for name, tensor in mine.state_dict().items()}
    backbone = regraft.open_module(mine, regraft.ImageSpec(tiny.SIDE, (0.5,) * 3, (0.25,) * 3))
    data = tiny.toy_pixels(40)
    options: Any = {"baselines": False, "epochs": 1, "strategy": "full", "lr": 0.01}
    result = fit(data, out=tmp_path / "run", backbone=backbone, **options)
    assert result["backbone"]["name"] == "module"
    assert result["next"][0].startswith("model = regraft.load(")
    for name, tensor in mine.state_dict().items():
        assert torch.equal(tensor, before[name])
    with pytest.raises(BackboneError, match=r"try regraft\.load\(run, network=\.\.\.\)"):
        load(tmp_path / "run")
    model = load(tmp_path / "run", network=mine)
    assert model.predict_proba(list(data[0][:3])).shape == (3, 2)
    assert not torch.equal(model.network.trunk.state_dict()["top.0.weight"], before["top.0.weight"])


class Forgetful(Net):
    """A network with a number that it does not save."""

    scale: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(1), persistent=False)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.scale = self.scale * 1.01
        return super().forward(pixels) * self.scale


def test_a_network_that_does_not_come_back_as_it_was_is_told_while_there_are_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Keeper, "due", property(lambda self: True))
    torch.manual_seed(0)
    spec = regraft.ImageSpec(tiny.SIDE, (0.5,) * 3, (0.25,) * 3)
    backbone = regraft.open_module(Forgetful(), spec)
    options: Any = {"baselines": False, "epochs": 1, "strategy": "full", "lr": 0.01}
    with pytest.raises(DamagedFileError, match="answers its stored inputs differently"):
        fit(tiny.toy_pixels(240), out=tmp_path / "run", backbone=backbone, **options)
    assert not (tmp_path / "run" / "result.json").exists()
    assert list((tmp_path / "run" / "checkpoints").iterdir())


def test_a_network_of_timm_is_loaded_with_the_very_network_that_was_given(tmp_path: Path) -> None:
    torch.manual_seed(0)
    mine = timm.create_model("test_resnet", num_classes=7)
    names = set(mine.state_dict())
    data = tiny.toy_pixels(40)
    options: Any = {"baselines": False, "strategy": "head", "image_size": 32}
    fit(data, out=tmp_path / "run", backbone=mine, **options)
    model = load(tmp_path / "run", network=mine)
    assert model.predict_proba(list(data[0][:3])).shape == (3, 2)
    assert set(mine.state_dict()) == names


def test_a_bare_module_that_does_not_say_how_it_is_fed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"try regraft\.open_module\(network, "):
        fit(tiny.toy_pixels(40), out=tmp_path / "run", backbone=Net())
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_no_bug(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fit_module, "save_predictions", full)
    with pytest.raises(StorageError, match=r"predictions-test\.parquet .*No space left"):
        fit(tiny.toy_texts(40), out=tmp_path / "run", **quick(bert))
    assert not (tmp_path / "run" / "result.json").exists()


def test_the_result_is_written_last(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[str] = set()
    finish = RunFolder.finish

    def watched(folder: RunFolder, result: dict[str, Any]) -> None:
        seen.update(path.name for path in folder.path.iterdir())
        finish(folder, result)

    monkeypatch.setattr(RunFolder, "finish", watched)
    fit(tiny.toy_texts(40), out=tmp_path / "run", **quick(bert))
    assert seen == FILES - {"result.json"} | {"checkpoints"}
    assert seen < set(WRITTEN)


def test_seconds_of_the_stretches_add_up_to_less_than_all(text_run: Path) -> None:
    seconds = result_of(text_run)["seconds"]
    names = {"data", "modes", "probe", "train", "evaluate", "baselines", "chosen"}
    assert set(seconds) == names | {"checkpoints", "total"}
    assert 0 <= seconds.pop("checkpoints") <= seconds["train"]
    total = seconds.pop("total")
    assert 0 < seconds.pop("chosen") < total
    assert 0 < sum(seconds.values()) <= total + 0.01


@pytest.mark.parametrize("limit", [None, 1000.0])
def test_a_limit_has_its_seconds_written_down_as_they_pass(
    limit: float | None, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: list[bool] = []

    def noted(folder: RunFolder, *, on: bool) -> Any:
        wanted.append(on)
        return beating(folder, on=on)

    monkeypatch.setattr(fit_module, "beating", noted)
    fit(tiny.toy_texts(40), out=tmp_path / "run", max_seconds=limit, **quick(bert))
    assert wanted == [limit is not None]
