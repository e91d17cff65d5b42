from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor, nn

from regraft.backbones.backbone import Backbone
from regraft.backbones.open import open_backbone
from regraft.backbones.sources.module import open_module
from regraft.data.spec import ImageSpec
from regraft.errors import BackboneError, DataError, SettingsError
from regraft.runs.choosing.defaults import MULTILINGUAL
from regraft.runs.choosing.network import GREY
from regraft.runs.fitting.prepare import prepare, replanned
from regraft.runs.fitting.record import left_open, run_toml
from regraft.settings import FitSettings
from regraft.toml import read_toml
from regraft.training.precision import Verdict
from tests import tiny
from tests.unit.runs.fitting.conftest import Prepare

GREYS, LABELS = tiny.toy_pixels(24, grey=True)


def test_everything_is_fixed_before_the_first_step(prepared: Prepare) -> None:
    found = prepared()
    assert [phase.name for phase in found.phases] == ["head", "tune"]
    assert set(found.encoded) == {"train", "val"}
    assert len(found.encoded["train"]) == 192
    assert found.network.head.classes == 2
    assert any("240 texts in 2 classes" in line for line in found.understood)
    assert found.seconds > 0


def test_the_test_rows_are_not_even_encoded(prepared: Prepare) -> None:
    assert "test" not in prepared().encoded


def test_every_line_is_said(bert: Path) -> None:
    said: list[str] = []
    found = prepare(FitSettings(backbone=str(bert)), tiny.toy_texts(40), say=said.append)
    assert set(found.understood) <= set(said)


def test_texts_in_another_script_take_the_multilingual_network_and_are_told_why(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = replace(open_backbone(str(bert)), name=MULTILINGUAL)
    asked: list[object] = []

    def pretended(name: object, **_: object) -> Backbone:
        asked.append(name)
        return opened

    monkeypatch.setattr("regraft.runs.choosing.opening.open_backbone", pretended)
    texts, labels = tiny.toy_texts(40)
    chinese = [f"这家餐馆的菜非常好吃 {text[:3]} {n}" for n, text in enumerate(texts)]
    found = prepare(FitSettings(), (chinese, labels), say=lambda line: None)
    assert asked == [MULTILINGUAL]
    assert any(f"{MULTILINGUAL}: most letters" in line for line in found.understood)
    # A network of a program was not chosen by us, so no line says so.
    mine = replace(opened, name="mine")
    monkeypatch.setattr("regraft.runs.choosing.opening.open_backbone", open_backbone)
    found = prepare(FitSettings(), (chinese, labels), say=lambda line: None, network=mine)
    assert not any(MULTILINGUAL in line for line in found.understood)


def test_an_unknown_strategy_is_refused_before_the_data_are_read(bert: Path) -> None:
    settings = FitSettings(backbone=str(bert), strategy="headd")
    with pytest.raises(SettingsError, match="no strategy 'headd'"):
        prepare(settings, "nothing.csv", say=lambda line: None)


def test_a_limit_of_the_cache_that_is_none_is_refused_before_the_data_are_read(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRAFT_CACHE_BYTES", "20 GB")
    with pytest.raises(SettingsError, match="REGRAFT_CACHE_BYTES = '20 GB' cannot be used"):
        prepare(FitSettings(backbone=str(bert)), "nothing.csv", say=lambda line: None)
    with pytest.raises(DataError, match=r"nothing\.csv"):  # the limit of nothing is not asked for
        prepare(FitSettings(backbone=str(bert), cache=False), "nothing.csv", say=lambda line: None)


def test_a_network_for_the_other_modality_is_refused(prepared: Prepare) -> None:
    with pytest.raises(BackboneError, match="reads texts, and the data are images"):
        prepared(source=tiny.toy_pixels(24))


def test_grey_images_get_a_stem_of_one_channel_and_a_line_that_says_so(
    resnet: Path, prepared: Prepare
) -> None:
    found = prepared(source=(GREYS, LABELS), backbone=str(resnet))
    assert GREY in found.understood
    assert isinstance(found.backbone.spec, ImageSpec)
    assert found.backbone.spec.channels == 1
    assert found.encoded["train"].batch(np.arange(2))["pixels"].shape[1] == 1


def test_a_device_is_refused_before_the_data_are_read() -> None:
    with pytest.raises(SettingsError, match="cuda:99"):
        prepare(FitSettings(device="cuda:99"), "nothing.csv", say=lambda line: None)


def test_a_head_that_is_solved_takes_one_pass(prepared: Prepare) -> None:
    assert [phase.epochs for phase in prepared(40).phases] == [1, 2]


def test_what_was_typed_reaches_a_head_with_hidden_layers(prepared: Prepare) -> None:
    usual = prepared(40, head="mlp:8", epochs=None)
    assert (usual.phases[0].epochs, usual.phases[0].head_rate) == (20, 1e-3)
    typed = prepared(40, head="mlp:8", epochs=3, lr=0.02, weight_decay=0.5, dropout=0.25)
    head = typed.phases[0]
    assert (head.epochs, head.head_rate, head.weight_decay) == (3, 0.02, 0.5)
    drops = [m.p for m in typed.network.head.modules() if isinstance(m, nn.Dropout)]
    assert drops == [0.25]


def test_what_was_typed_for_a_repeat_reaches_a_head_with_hidden_layers(
    prepared: Prepare, verdict: Verdict, tmp_path: Path
) -> None:
    first = prepared(40, strategy="head", head="mlp:8", epochs=None)
    place = tmp_path / "run.toml"
    place.write_text(run_toml(first, verdict), "utf-8")
    again = prepared(40, **read_toml(place))
    assert again.alone == first.alone
    typed = prepared(40, **{**read_toml(place), "lr": 0.02, "epochs": 5.0})
    assert typed.alone == replace(first.alone, rate=0.02, epochs=5)
    assert {"lr", "epochs"}.isdisjoint(left_open(typed))
    assert "batch_size" in left_open(typed)


def test_what_is_for_other_rows_is_refused_for_a_repeat_unless_the_run_had_it(
    prepared: Prepare, verdict: Verdict, tmp_path: Path
) -> None:
    place = tmp_path / "run.toml"
    written = run_toml(prepared(40), verdict)
    place.write_text(written, "utf-8")
    with pytest.raises(SettingsError, match="image_size = 64 is not for texts"):
        prepared(40, **{**read_toml(place), "image_size": 64})
    place.write_text(written.replace("[settings]", "[settings]\nimage_size = 64"), "utf-8")
    assert prepared(40, **read_toml(place)).settings.image_size == 64


def test_a_fraction_cuts_train_and_val_and_is_said(prepared: Prepare) -> None:
    whole, half = prepared(600), prepared(600, fraction=0.5)
    sizes = {part: len(rows) for part, rows in half.dataset.parts.items()}
    assert sizes == {"train": 240, "val": 30, "test": 60}
    assert len(half.encoded["train"]) == 240
    assert list(half.dataset.parts["test"]) == list(whole.dataset.parts["test"])
    assert any("50 % of the rows of train and val are used" in line for line in half.understood)


def test_a_part_of_a_pass_is_taken_once_and_again_where_it_is_planned_anew(
    prepared: Prepare,
) -> None:
    made = prepared(40, strategy="gradual", epochs=1.5)
    assert [phase.passes for phase in made.phases[1:]] == [1, 0.5]
    epochs = replace(made.chosen.epochs, value=2.25)
    again = replanned(made, made.settings, epochs=epochs)
    assert sum(phase.passes for phase in again.phases[1:]) == 2.25


class Stepped(nn.Module):
    """Takes sides that are multiples of 32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.top = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.top(self.stem(pixels)).mean((2, 3))
        if pixels.shape[-1] % 32:
            raise ValueError("maps of different sizes")
        return found


def test_a_size_that_the_network_cannot_take_is_told() -> None:
    backbone = open_module(Stepped(), ImageSpec(64, (0.5,) * 3, (0.25,) * 3), name="mine")
    said = "^image_size = 48 cannot be used with mine; try --image-size 64$"
    with pytest.raises(SettingsError, match=said):
        prepare(
            FitSettings(image_size=48),
            tiny.toy_pixels(24),
            say=lambda line: None,
            network=backbone,
        )
