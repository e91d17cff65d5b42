import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from regraft.backbones.backbone import Architecture
from regraft.runs.fitting.commands import flags, keep_command, next_commands, resume_command
from regraft.settings import FitSettings
from tests import tiny
from tests.unit.runs.fitting.conftest import Prepare


def test_flags_are_what_is_not_usual() -> None:
    assert flags(FitSettings(data="d", strategy="full", seed=0)) == []
    typed = FitSettings(seed=3, batch_size=8, baselines=False, text="my text")
    words = ["--seed", "3", "--text", "my text", "--no-baselines", "--batch-size", "8"]
    assert flags(typed) == words
    assert flags(typed, {"text"}) == ["--text", "my text"]


def test_the_command_that_keeps_the_probe_keeps_what_was_typed(prepared: Prepare) -> None:
    found = prepared(40, seed=4)
    settings = FitSettings(data="my data.csv", label="the label", seed=4)
    command = keep_command("linear_probe", replace(found, settings=settings))
    assert shlex.split(command) == [
        *("regraft", "fit", "my data.csv", "--strategy", "head"),
        *("--seed", "4", "--label", "the label"),
    ]


def test_the_command_that_keeps_the_probe_has_nothing_but_what_a_probe_is(
    prepared: Prepare,
) -> None:
    found = prepared(40)
    steps: dict[str, Any] = {
        "epochs": 3.0,
        "lr": 0.1,
        "batch_size": 8,
        "optimizer": "sgd",
        "patience": 2,
    }
    trunk: dict[str, Any] = {
        "freeze": "1",
        "freeze_threshold": "auto",
        "layer_decay": 0.5,
        "dropout": 0.1,
    }
    beside: dict[str, Any] = {"ema": 0.9, "weight_decay": 0.1, "augment": "none", "views": 2}
    settings = FitSettings(
        data="d", head="mlp:256", class_weights="balanced", **{**steps, **trunk, **beside}
    )
    command = keep_command("linear_probe", replace(found, settings=settings))
    assert command == "regraft fit d --strategy head --class-weights balanced"
    again = FitSettings(data="d", strategy="head", class_weights="balanced")
    assert keep_command("linear_probe", replace(found, settings=again)) == command


def test_the_command_that_goes_on_names_what_is_code() -> None:
    assert resume_command(Path("my run"), "two-stage+average") == "regraft resume 'my run'"
    assert resume_command(Path("run"), "mine:Own") == "regraft resume run --strategy mine:Own"


def test_the_next_commands_can_be_typed(prepared: Prepare, resnet: Path) -> None:
    texts = next_commands(Path("runs/a-001"), prepared(40))
    assert texts[0] == 'regraft predict runs/a-001 "some text"'
    images = prepared(source=tiny.toy_pixels(24), backbone=str(resnet))
    assert next_commands(Path("r"), images)[0] == "regraft predict r IMAGE.png"


def test_the_next_commands_keep_columns_and_device_and_are_quoted(prepared: Prepare) -> None:
    found = prepared(40, device="cpu")
    settings = FitSettings(device="cpu", label="the label", epochs=7)
    commands = next_commands(Path("my runs/a"), replace(found, settings=settings))
    assert commands == [
        "regraft predict 'my runs/a' \"some text\" --device cpu",
        "regraft evaluate 'my runs/a' DATA --device cpu --label 'the label'",
        "regraft report 'my runs/a'",
    ]


def test_a_network_of_a_program_is_loaded_by_that_program(prepared: Prepare) -> None:
    found = prepared(40)
    architecture = Architecture("module", "Net", {}, "none")
    found = replace(found, backbone=replace(found.backbone, architecture=architecture))
    assert "regraft.load('r', network=...)" in next_commands(Path("r"), found)[0]
