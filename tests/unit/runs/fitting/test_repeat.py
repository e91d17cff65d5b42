from dataclasses import replace
from pathlib import Path

import pytest
import torch

from regraft.backbones.modes import Mode
from regraft.errors import SettingsError
from regraft.machine import processor_name
from regraft.runs.fitting import repeat as repeat_module
from regraft.runs.fitting.record import run_toml
from regraft.runs.fitting.repeat import Earlier, installed, read_earlier
from regraft.settings import FitSettings
from regraft.toml import read_toml
from regraft.training.precision import Verdict
from tests.unit.runs.fitting.conftest import Prepare

TIMINGS = {"training/bf16/eager": 0.1}
FOUND = Verdict(Mode("bf16", "eager"), Mode("fp32", "sdpa"), TIMINGS, processor_name())
EARLIER = Earlier(FOUND, torch.__version__, frozenset())


def test_what_a_run_wrote_down_is_read_again(prepared: Prepare, tmp_path: Path) -> None:
    place = tmp_path / "run.toml"
    place.write_text(run_toml(prepared(40, epochs=2), FOUND), "utf-8")
    found = read_earlier(place)
    assert found is not None
    assert (found.verdict, found.torch) == (FOUND, torch.__version__)
    assert "lr" in found.left_open
    assert "epochs" not in found.left_open
    assert found.kept == {}
    assert found.threads == torch.get_num_threads()


def test_what_is_typed_for_the_repeat_was_not_left_open(prepared: Prepare, tmp_path: Path) -> None:
    place = tmp_path / "run.toml"
    place.write_text(run_toml(prepared(40, epochs=None), FOUND), "utf-8")
    same = FitSettings(**read_toml(place))
    names = {"lr", "epochs", "batch_size", "patience", "freeze", "augment", "dropout"}
    found = read_earlier(place, same)
    assert found is not None
    assert names <= found.left_open
    typed = read_earlier(place, same.model_copy(update={"lr": 0.5, "epochs": 7.0}))
    assert typed is not None
    assert typed.left_open == found.left_open - {"lr", "epochs"}
    assert typed.held == found.held - {"lr", "epochs"}
    assert found.held == set(FitSettings.model_fields) - {"repeat"}


def test_what_the_file_leaves_out_is_as_usual(prepared: Prepare, tmp_path: Path) -> None:
    place = tmp_path / "run.toml"
    place.write_text(run_toml(prepared(40, strategy="auto", epochs=None), FOUND), "utf-8")
    same = FitSettings(**read_toml(place))
    for typed, still in (({}, True), ({"lr": 0.5}, False)):
        found = read_earlier(place, same.model_copy(update=typed))
        assert found is not None
        assert ("lr" in found.left_open) is still


def test_without_a_run_there_is_nothing_to_repeat() -> None:
    assert read_earlier(None) is None


@pytest.mark.parametrize("text", ["", "machine = 3", "not TOML", "[machine]\nprocessor = 'x'"])
def test_a_file_that_no_run_wrote_is_refused(tmp_path: Path, text: str) -> None:
    place = tmp_path / "run.toml"
    place.write_text(text)
    with pytest.raises(SettingsError, match=r"run\.toml cannot be repeated"):
        read_earlier(place)
    with pytest.raises(SettingsError, match="cannot be repeated"):
        read_earlier(tmp_path / "gone.toml")


def test_a_verdict_holds_on_the_same_machine_only() -> None:
    assert EARLIER.differs("cpu", "auto") == EARLIER.differs("cpu", "bf16") == ""
    assert EARLIER.differs("cuda", "auto") == "device was cpu, now cuda"
    assert EARLIER.differs("cpu", "fp32") == "precision was bf16, now fp32"
    old = replace(EARLIER, torch="1.0", verdict=replace(FOUND, processor="abacus"))
    assert "processor was abacus" in old.differs("cpu", "auto")
    assert "version of torch was 1.0" in old.differs("cpu", "auto")


def test_another_number_of_threads_is_told() -> None:
    now = torch.get_num_threads()
    assert EARLIER.other_threads == replace(EARLIER, threads=now).other_threads == ""
    told = replace(EARLIER, threads=now + 1).other_threads
    assert told.startswith(f"warning: the run had {now + 1} threads, now there are {now}")


def test_other_versions_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    now = installed()
    assert {"regraft", "tokenizers", "transformers"} <= set(now)
    assert EARLIER.other_versions == replace(EARLIER, versions=now).other_versions == ""
    told = replace(EARLIER, versions={**now, "transformers": "1.0", "gone": "2"}).other_versions
    others = f"transformers was 1.0, now {now['transformers']}; gone was 2, now not installed"
    assert told.startswith(f"warning: {others}: equal bytes are promised")
    monkeypatch.setattr(repeat_module, "LIBRARIES", ("no-such-library-at-all",))
    assert installed() == {}


def test_the_versions_are_read_again_where_there_are_some(
    prepared: Prepare, tmp_path: Path
) -> None:
    place = tmp_path / "run.toml"
    text = run_toml(prepared(40, epochs=2), FOUND)
    place.write_text(text, "utf-8")
    found = read_earlier(place)
    assert found is not None
    assert found.versions == installed()
    lines = [line for line in text.splitlines() if not line.startswith("versions")]
    place.write_text("\n".join(lines), "utf-8")  # of a run before they were kept
    before = read_earlier(place)
    assert before is not None
    assert before.versions == {}
