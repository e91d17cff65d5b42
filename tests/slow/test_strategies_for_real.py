"""Every strategy and modifier on three starters' real weights: planned, proved, gone on with."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import regraft
from regraft.data.starters.cache import file_digest
from regraft.errors import SettingsError
from regraft.runs.fit import run_fit
from regraft.runs.plan import run_plan
from regraft.settings import FitSettings
from regraft.strategies.table import AUTO, MODIFIERS, STRATEGIES, make_strategy
from regraft.training import steps as steps_module
from regraft.training.progress import Silent
from tests import tiny

pytestmark = pytest.mark.real
STARTERS = {"minilm": "text", "efficientnet-lite0": "image", "vgg16": "image"}
EVERY = [*STRATEGIES, AUTO, *(f"two-stage+{name}" for name in MODIFIERS)]
WITHOUT = ("vgg16", "two-stage+norm-only")
"""VGG16 has no norm layers."""
ROWS, STOP = 200, 2
every = pytest.mark.parametrize(
    ("starter", "name"), [(s, n) for s in STARTERS for n in EVERY if (s, n) != WITHOUT]
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("data")
    texts, labels = tiny.toy_texts(ROWS + 30)
    split = ["train"] * (ROWS - 20) + ["val"] * 20 + ["test"] * 30
    columns = {"text": texts, "label": labels, "split": split}
    pictures = tiny.image_folders(folder / "pictures", ROWS + 60)
    return {"text": str(tiny.write_csv(folder / "r.csv", columns)), "image": str(pictures)}


def settings_of(starter: str, name: str, data: dict[str, str], out: Path | None) -> FitSettings:
    kind = STARTERS[starter]
    return FitSettings(
        data=data[kind],
        backbone=f"starter:{starter}",
        strategy=name,
        source=data[kind] if make_strategy(name).needs_source else None,
        epochs=1.0,
        max_length=16 if kind == "text" else None,
        image_size=32 if kind == "image" else None,
        baselines=False,
        precision="fp32",
        out=out,
    )


class StoppedHereError(Exception):
    """Stands for a kill."""


@every
def test_a_run_is_planned_proved_and_gone_on_with(
    starter: str,
    name: str,
    data: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run_plan(settings_of(starter, name, data, None), Silent())["phases"]
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    run_fit(settings_of(starter, name, data, whole), Silent(), report=False)
    assert regraft.verify(whole) | {"stretches": 0} == {"holds": True, "faults": [], "stretches": 0}
    real = steps_module._step

    def killed(stepper: Any, *given: Any) -> Any:
        if stepper.session.step == STOP and stepper.session.keeper is not None:
            raise StoppedHereError
        return real(stepper, *given)

    with monkeypatch.context() as patch:
        patch.setattr(steps_module, "_step", killed)
        with suppress(StoppedHereError):  # a strategy that takes no steps ends by itself
            run_fit(settings_of(starter, name, data, stopped), Silent(), report=False)
    if not (stopped / "result.json").exists():
        regraft.resume(stopped)
    first, second = (run / "model" / "model.safetensors" for run in (whole, stopped))
    assert file_digest(first) == file_digest(second)


def test_norm_layers_alone_of_vgg16_is_one_sentence(data: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="leaves nothing of"):
        run_plan(settings_of(*WITHOUT, data, None), Silent())
