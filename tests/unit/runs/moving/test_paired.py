"""Tests that steps that compare two domains learn as much, with rows enough for their means."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from regraft.adaptation.moving import moving_phase
from regraft.backbones.modes import Mode
from regraft.runs.choosing import defaults
from regraft.runs.fitting.prepare import Prepared, prepare
from regraft.runs.fitting.repeat import Earlier
from regraft.runs.moving.paired import paired
from regraft.settings import FitSettings
from regraft.training.precision import Verdict
from tests import tiny

ROWS = 400
FP32 = Verdict(Mode(), Mode(), {}, "a processor")


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets few texts have the small steps that they have outside of these tests."""
    monkeypatch.setitem(defaults.BATCH_SIZES, "text", (8, 32))


def prepared(bert: Path, **typed: Any) -> Prepared:
    settings = FitSettings(backbone=str(bert), **typed)
    return prepare(settings, tiny.toy_texts(ROWS), say=lambda line: None)


def factors(made: Prepared) -> tuple[float, int]:
    """Returns by how much the rates of a method's phase are higher, and its passes."""
    phase = moving_phase("mcc", made.phases, chain=made.chain)
    found = paired(phase, made)
    of_rates = {b / a for a, b in zip(phase.rates, found.rates, strict=True)}
    assert of_rates == {found.head_rate / phase.head_rate}
    return of_rates.pop(), found.epochs


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ({}, (2, 12)),
        ({"lr": 1e-3}, (1, 12)),
        ({"epochs": 4}, (2, 4)),
        ({"batch_size": 64}, (1, 12)),
        ({"batch_size": 32}, (1, 12)),
        ({"batch_size": 8}, (1, 8)),
    ],
)
def test_what_nobody_typed_is_that_of_the_rows_compared(
    bert: Path, small_steps: None, typed: dict[str, Any], expected: tuple[float, int]
) -> None:
    assert factors(prepared(bert, **typed)) == pytest.approx(expected)


def test_what_an_earlier_run_filled_in_was_not_typed(bert: Path, small_steps: None) -> None:
    made = prepared(bert, lr=1e-4, epochs=8)
    assert prepared(bert).chosen.epochs.value == 8
    assert factors(made) == (1, 8)
    again = replace(made, earlier=Earlier(FP32, "", frozenset({"lr", "epochs"})))
    assert factors(again) == pytest.approx((2, 12))


def test_a_batch_that_an_earlier_run_filled_in_was_not_typed(bert: Path, small_steps: None) -> None:
    made = prepared(bert, batch_size=8)
    assert factors(made) == (1, 8)
    again = replace(made, earlier=Earlier(FP32, "", frozenset({"batch_size"})))
    assert factors(again)[1] == 12


def test_steps_of_as_many_rows_keep_their_phase(bert: Path) -> None:
    assert factors(prepared(bert)) == (1, 12)
