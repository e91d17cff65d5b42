"""Modes are probed at the run's own size, and steps only where some are taken."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from regraft.backbones.modes import Mode
from regraft.runs.choosing import modes
from regraft.runs.choosing.budget import PROBE_TOKENS
from regraft.runs.choosing.modes import decide_modes, takes_steps
from regraft.runs.fitting.prepare import Prepared, prepare
from regraft.runs.fitting.repeat import Earlier
from regraft.settings import FitSettings
from regraft.training.precision import Verdict
from tests import tiny


def prepared(bert: Path, **typed: Any) -> Prepared:
    settings = FitSettings(backbone=str(bert), **typed)
    return prepare(settings, tiny.toy_texts(240), say=lambda line: None)


def test_the_probe_sees_rows_of_the_runs_own_size(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def decide(network: object, batch: dict[str, torch.Tensor], **_: object) -> str:
        seen.append(batch["input_ids"].numel())
        return "verdict"

    monkeypatch.setattr(modes, "decide", decide)
    decide_modes(prepared(bert), say=print)
    assert 0.5 * PROBE_TOKENS <= seen[0] <= 2 * PROBE_TOKENS


@pytest.mark.parametrize(
    ("typed", "steps"),
    [
        ({"strategy": "head"}, False),
        ({"strategy": "zero"}, False),
        ({"strategy": "two-stage"}, True),
        ({"strategy": "auto"}, True),
    ],
)
def test_steps_are_timed_only_where_the_trunk_takes_some(
    bert: Path, typed: dict[str, Any], steps: bool
) -> None:
    made = prepared(bert, **typed)
    assert takes_steps(made) is steps
    found = decide_modes(made, say=print, steps=steps)
    assert found.knows_steps is steps
    assert found.seconds("inference") > 0


def test_a_verdict_without_steps_does_not_serve_a_run_that_takes_some(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Earlier, "differs", lambda *_: "")
    passes = Verdict(Mode(), Mode(), {"inference/fp32/sdpa": 1.0}, "a chip")
    earlier = Earlier(passes, torch.__version__, frozenset())
    made = replace(prepared(bert), earlier=earlier)
    assert decide_modes(made, say=print, steps=False) == passes
    assert decide_modes(made, say=print).knows_steps


def test_where_threads_or_versions_are_others_both_are_told(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Earlier, "differs", lambda *_: "")
    passes, told = Verdict(Mode(), Mode(), {"inference/fp32/sdpa": 1.0}, "a chip"), list[str]()
    earlier = Earlier(passes, torch.__version__, frozenset(), threads=10**6, versions={"timm": "0"})
    made = replace(prepared(bert), earlier=earlier)
    assert decide_modes(made, say=told.append, steps=False) == passes
    assert "1,000,000 threads" in told[0]
    assert "timm was 0, now" in told[1]
