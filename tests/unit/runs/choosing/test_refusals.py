"""Tests that a strategy is refused where settings or network cannot have it, in a sentence."""

from pathlib import Path
from typing import Any

import pytest
from torch import nn

import regraft
from regraft.backbones.modes import Mode
from regraft.errors import SettingsError
from regraft.runs.choosing.refusals import unused
from regraft.runs.fitting.prepare import prepare
from regraft.runs.fitting.record import run_toml
from regraft.settings import FitSettings
from regraft.toml import read_toml
from regraft.training.phase import Phase
from regraft.training.precision import Verdict
from tests import tiny

NO_TWIN = {"strategy": "two-stage+lora", "freeze_threshold": "auto", "control": True}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (NO_TWIN, r"control = true cannot be used with two-stage\+lora"),
        ({"strategy": "zero", "head": "mlp:8"}, "'mlp:8' cannot be used with zero"),
        ({"strategy": "head:refit=true", "head": "mlp:8"}, "only a linear head is solved once"),
        ({"strategy": "contrastive", "ema": 0.9}, "ema = 0.9 cannot be used with contrastive"),
        ({"strategy": "two-stage+norm-only", "freeze": "norm"}, "leaves nothing of the network"),
        ({"strategy": "two-stage+bias-only", "freeze": "*.bias"}, "leaves nothing of the network"),
        *(
            ({"strategy": name, "freeze": "3"}, f"{name} with freeze = 3 leaves nothing")
            for name in ("two-stage", "full", "gradual", "contrastive", "auto")
        ),
        ({"strategy": "scratch", "freeze": "3"}, "would freeze random weights"),
        ({"strategy": "scratch", "freeze": "1"}, "would freeze random weights"),
        ({"strategy": "scratch", "freeze": "norm"}, "would freeze random weights"),
        ({"strategy": "scratch+bias-only"}, "would freeze random weights"),
    ],
)
def test_what_does_not_go_together_is_refused(
    changed: dict[str, Any], words: str, bert: Path
) -> None:
    settings = FitSettings(backbone=str(bert), **changed)
    with pytest.raises(SettingsError, match=words):
        prepare(settings, tiny.toy_texts(240), say=lambda _: None)


@pytest.mark.parametrize("strategy", ["head", "zero"])
def test_every_block_may_be_frozen_where_none_is_to_move(strategy: str, bert: Path) -> None:
    settings = FitSettings(backbone=str(bert), strategy=strategy, freeze="3")
    assert prepare(settings, tiny.toy_texts(240), say=lambda _: None).chosen.freeze.value == 3


def test_a_program_s_own_network_has_no_other_start(tmp_path: Path) -> None:
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    half = (0.5, 0.5, 0.5)
    network = regraft.open_module(layers, regraft.ImageSpec(size=16, mean=half, std=half))
    data = str(tiny.image_folders(tmp_path / "tiles", 40))
    with pytest.raises(SettingsError, match="only that program can draw its weights"):
        prepare(FitSettings(strategy="scratch"), data, say=lambda _: None, network=network)


def test_a_phase_for_the_head_alone_may_follow_one_that_a_modifier_changes(bert: Path) -> None:
    settings = FitSettings(backbone=str(bert), strategy="contrastive+average")
    made = prepare(settings, tiny.toy_texts(240), say=lambda _: None)
    assert made.phases[-1].line == made.chain.top


def test_what_a_modifier_leaves_is_enough(bert: Path) -> None:
    settings = FitSettings(backbone=str(bert), strategy="two-stage+norm-only", freeze="1")
    made = prepare(settings, tiny.toy_texts(240), say=lambda _: None)
    assert made.phases[-1].line == 1


@pytest.mark.parametrize(
    ("strategy", "word"), [("two-stage+average", "+average"), ("head:refit=true", "refit=true")]
)
def test_what_needs_validation_rows_is_told_where_there_are_none(
    bert: Path, strategy: str, word: str
) -> None:
    settings = FitSettings(backbone=str(bert), strategy=strategy)
    few, many = (
        prepare(settings, tiny.toy_texts(rows), say=lambda _: None).understood for rows in (60, 240)
    )
    assert any(f"{word} does nothing here" in line for line in few)
    assert not any(word in line for line in many)


@pytest.mark.parametrize("strategy", ["head+lora", "head+bias-only", "zero+norm-only"])
def test_a_modifier_that_has_nothing_to_do_is_said_to_be_idle(strategy: str, bert: Path) -> None:
    told: list[str] = []
    settings = FitSettings(backbone=str(bert), strategy=strategy)
    prepared = prepare(settings, tiny.toy_texts(240), say=told.append)
    name, _, modifier = strategy.partition("+")
    sentence = f"+{modifier} does nothing with {name}: nothing of the trunk moves"
    assert told.count(sentence) == 1
    assert sentence in prepared.understood


FLAT = "layer_decay = 0.5 does nothing with {}: no block moves at a rate below the highest one"
OWN = "weight_decay = 0.2 does nothing with {}: it has a decay of its own"
SOLVED = "weight_decay = 0.2 does nothing with {}: nothing is trained in steps"


@pytest.mark.parametrize(
    ("strategy", "sentences"),
    [
        ("two-stage", []),
        ("full", [FLAT]),
        ("scratch", [FLAT]),
        ("decay", [FLAT, OWN]),
        ("l2-start", [OWN]),
        ("head", [FLAT, SOLVED]),
    ],
)
def test_a_typed_decay_that_no_phase_looks_at_is_told(
    strategy: str, sentences: list[str], bert: Path
) -> None:
    settings = FitSettings(backbone=str(bert), strategy=strategy, layer_decay=0.5, weight_decay=0.2)
    lines = prepare(settings, tiny.toy_texts(60), say=lambda _: None).understood
    told = [line for line in lines if "does nothing with" in line]
    assert told == [sentence.format(strategy) for sentence in sentences]


def test_decays_that_were_left_open_are_not_told(bert: Path) -> None:
    settings = FitSettings(backbone=str(bert), strategy="decay", layer_decay=1.0)
    lines = prepare(settings, tiny.toy_texts(60), say=lambda _: None).understood
    assert not any("does nothing with" in line for line in lines)


def test_a_head_with_hidden_layers_does_decay() -> None:
    alone = Phase("head", 2, 5, 1e-3, (0.0, 0.0), 0.2)
    settings = FitSettings(strategy="l2-start", head="mlp:8", weight_decay=0.2)
    assert unused(settings, [alone], top=2) == []


def told(rows: int, bert: Path, **typed: Any) -> list[str]:
    """Returns what is said to do nothing on so many texts."""
    settings = FitSettings(backbone=str(bert), **typed)
    lines = prepare(settings, tiny.toy_texts(rows), say=lambda _: None).understood
    return [line for line in lines if "does nothing with" in line]


OF_STEPS = {"epochs": 3.0, "lr": 0.5, "batch_size": 16, "ema": 0.9, "patience": 5}
UNSTEPPED = "{} = {:g} does nothing with {}: nothing is trained in steps"


@pytest.mark.parametrize("strategy", ["head", "zero"])
def test_settings_of_steps_are_told_where_none_are_taken(strategy: str, bert: Path) -> None:
    lines = [UNSTEPPED.format(name, value, strategy) for name, value in OF_STEPS.items()]
    assert told(240, bert, strategy=strategy, **OF_STEPS) == lines
    assert told(240, bert, strategy=strategy) == []


def test_settings_of_steps_are_not_told_where_steps_are_taken(bert: Path) -> None:
    assert told(240, bert, **OF_STEPS) == []
    alone = {name: value for name, value in OF_STEPS.items() if name != "ema"}
    assert told(240, bert, strategy="head", head="mlp:8", **alone) == []


def test_an_average_of_weights_is_told_where_the_trunk_stands_still(bert: Path) -> None:
    lines = told(240, bert, strategy="head", head="mlp:8", ema=0.9)
    assert lines == ["ema = 0.9 does nothing with head: nothing of the trunk moves"]


def test_patience_is_told_where_folds_choose_the_passes(bert: Path) -> None:
    (line,) = told(60, bert, patience=5)
    assert line.startswith("patience = 5 does nothing with two-stage: without validation rows")
    assert told(60, bert) == []


def test_what_an_earlier_run_filled_in_is_not_told(bert: Path, tmp_path: Path) -> None:
    verdict = Verdict(Mode(), Mode(), {}, "a processor")
    first = prepare(
        FitSettings(backbone=str(bert), strategy="full"), tiny.toy_texts(60), say=lambda _: None
    )
    place = tmp_path / "run.toml"
    place.write_text(run_toml(first, verdict), "utf-8")
    written = {n: v for n, v in read_toml(place).items() if n != "backbone"}
    assert {"layer_decay", "epochs", "patience"} <= written.keys()
    assert told(60, bert, **written) == []
    assert told(60, bert, **{**written, "strategy": "head"}) == []
    assert told(60, bert, **{**written, "layer_decay": 0.5}) == [FLAT.format("full")]


def tiles(folder: Path, **changed: Any) -> list[str]:
    """Returns what is understood of a network with a batch norm, steps of one row asked for."""
    layers = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()),
        nn.Sequential(nn.Conv2d(4, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )
    half = (0.5, 0.5, 0.5)
    network = regraft.open_module(layers, regraft.ImageSpec(size=16, mean=half, std=half))
    data = str(tiny.image_folders(folder / "tiles", 40))
    settings = FitSettings(**{"strategy": "full", "batch_size": 1, **changed})
    return prepare(settings, data, say=lambda _: None, network=network).understood


def test_one_row_a_step_is_refused_where_batch_norms_take_statistics(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="batch_size = 1 cannot be used with full"):
        tiles(tmp_path)


@pytest.mark.parametrize(
    "changed", [{"batch_size": 2}, {"freeze": "norm"}, {"freeze": "1"}, {"strategy": "head"}]
)
def test_one_row_a_step_is_enough_where_no_norm_takes_statistics(
    changed: dict[str, Any], tmp_path: Path
) -> None:
    assert tiles(tmp_path, **changed)


STEPPED = {
    **{"optimizer": "sgd", "augment": "none", "dropout": 0.1, "views": 4},
    **{"freeze": "1", "freeze_threshold": "auto"},
}


@pytest.mark.parametrize("strategy", ["head", "zero"])
def test_what_only_steps_look_at_is_told_where_none_are_taken(strategy: str, bert: Path) -> None:
    said = "{} = {} does nothing with {}: nothing is trained in steps"
    lines = [said.format(name, value, strategy) for name, value in STEPPED.items()]
    assert told(60, bert, strategy=strategy, **STEPPED) == lines
    usual = {name: FitSettings.model_fields[name].default for name in STEPPED}
    assert told(60, bert, strategy=strategy, **usual) == []


def test_what_only_steps_look_at_is_not_told_where_some_are_taken(bert: Path) -> None:
    assert told(60, bert, **STEPPED) == []
    # The steps of a head with hidden layers do not see the trunk, and what it is shown.
    still = [name for name in STEPPED if name not in ("optimizer", "dropout")]
    lines = told(60, bert, strategy="head", head="mlp:8", **STEPPED)
    assert [line.partition(" =")[0] for line in lines] == still
    assert all(line.endswith("with head: nothing of the trunk moves") for line in lines)


def test_views_are_told_where_no_block_is_frozen_from_the_start(bert: Path) -> None:
    line = "views = 4 does nothing with two-stage: no block is frozen from the start"
    assert told(60, bert, views=4) == [line]
    assert told(60, bert, views=4, freeze="1") == []
    assert told(60, bert, views=4, strategy="gradual") == []
    assert told(60, bert, views=4, strategy="auto") == []


def test_class_weights_are_told_where_there_is_no_loss(bert: Path) -> None:
    line = "class_weights = balanced does nothing with zero: it has no loss that they would weigh"
    assert told(60, bert, strategy="zero", class_weights="balanced") == [line]
    assert told(60, bert, strategy="head", class_weights="balanced") == []


def test_a_decay_of_rates_beside_the_strategy_s_own_is_told(bert: Path) -> None:
    line = "layer_decay = 0.9 does nothing with layerwise:decay=0.5: it has a decay of its own"
    assert told(60, bert, strategy="layerwise:decay=0.5", layer_decay=0.9) == [line]
    assert told(60, bert, strategy="layerwise", layer_decay=0.9) == []
    assert told(60, bert, strategy="layerwise:decay=0.5") == []
