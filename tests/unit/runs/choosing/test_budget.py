"""Seconds are estimated from the probe's batch: more rows take longer."""

from pathlib import Path
from typing import Any

import pytest

from regraft.backbones.modes import Mode
from regraft.runs.choosing.budget import (
    CLASSIC,
    PROBE_TOKENS,
    SAVING,
    SLOWER,
    batches,
    closing_seconds,
    pass_seconds,
)
from regraft.runs.fitting.prepare import Prepared, prepare
from regraft.settings import FitSettings
from regraft.training.precision import Verdict
from tests import tiny

TIMED = Verdict(Mode(), Mode(), {"training/fp32/sdpa": 3.0, "inference/fp32/sdpa": 2.0}, "a chip")


def prepared(bert: Path, **typed: Any) -> Prepared:
    settings = FitSettings(backbone=str(bert), **typed)
    return prepare(settings, tiny.toy_texts(240), say=lambda line: None)


def test_batches_are_counted_in_tokens(bert: Path) -> None:
    made = prepared(bert)
    tokens = made.encoded["train"].lengths.sum()
    assert batches(made, "train") == pytest.approx(tokens / PROBE_TOKENS)
    known = batches(made, "train") + batches(made, "val")
    rows = sum(len(rows) for rows in made.encoded.values())
    test = len(made.dataset.parts["test"])
    assert batches(made, "test") == pytest.approx(known * test / rows)


def test_what_follows_training_is_test_baselines_and_saving(bert: Path) -> None:
    made = prepared(bert, baselines=False)
    test = SLOWER * batches(made, "test") * 2.0
    assert pass_seconds(made, TIMED, part="test") == pytest.approx(test)
    assert closing_seconds(made, TIMED) == pytest.approx(test + SAVING)
    assert closing_seconds(prepared(bert), TIMED) == pytest.approx(test + SAVING + 240 * CLASSIC)
