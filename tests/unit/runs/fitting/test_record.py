import csv
import io
import tomllib
from dataclasses import replace

import torch

from regraft.data.rows import Origin, Problem
from regraft.runs.fitting.record import left_open, problems_csv, resolved, run_toml
from regraft.runs.fitting.repeat import Earlier, installed
from regraft.settings import FitSettings
from regraft.training.precision import Verdict
from tests.unit.runs.fitting.conftest import Prepare


def test_what_was_left_open_is_filled_in(prepared: Prepare) -> None:
    values = resolved(prepared(seed=4))
    assert values["seed"] == 4
    assert values["batch_size"] == 8
    assert values["max_length"] == 16
    assert values["epochs"] == 2
    assert None not in values.values()


def test_what_a_strategy_decides_stays_open_while_there_is_none(prepared: Prepare) -> None:
    open_still = {"lr", "layer_decay", "epochs", "batch_size", "freeze"} & set(
        resolved(prepared(strategy="auto", epochs=None))
    )
    assert not open_still


def test_the_file_gives_the_same_settings_again(prepared: Prepare, verdict: Verdict) -> None:
    found = prepared(head="mlp:8", text="text")
    kept = tomllib.loads(run_toml(found, verdict))
    again = FitSettings(**kept["settings"])
    assert (again.head, again.text, again.epochs) == ("mlp:8", "text", 2)
    assert again.max_length == found.chosen.extent.value


def test_every_verdict_is_kept(prepared: Prepare, verdict: Verdict) -> None:
    kept = tomllib.loads(run_toml(prepared(), verdict))
    assert kept["precision"] == {"training": "fp32", "inference": "fp32"}
    assert kept["attention"] == {"training": "sdpa", "inference": "sdpa"}
    machine = {"processor": "a processor", "device": "cpu", "torch": torch.__version__}
    counted = {"threads": torch.get_num_threads(), "versions": installed()}
    assert kept["machine"] == {**machine, **counted}


def test_what_nobody_typed_is_listed_even_when_a_run_is_repeated(
    prepared: Prepare, verdict: Verdict
) -> None:
    found = prepared(40, epochs=2)
    assert {"lr", "batch_size"} <= set(left_open(found))
    assert "epochs" not in left_open(found)
    earlier = Earlier(verdict, "2", frozenset({"epochs"}))
    assert "epochs" in left_open(replace(found, earlier=earlier))


def test_problems_are_a_table_whatever_they_hold() -> None:
    text = problems_csv(
        [
            Problem(Origin("a, b.csv", 3), 'no "label"\nat all'),
            Problem(Origin("c.png"), "torn"),
        ]
    )
    assert list(csv.reader(io.StringIO(text))) == [
        ["file", "line", "reason"],
        ["a, b.csv", "3", 'no "label"\nat all'],
        ["c.png", "", "torn"],
    ]
