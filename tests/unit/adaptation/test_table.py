"""Tests the one table of methods, and what holds for each of them."""

import dataclasses

import numpy as np
import pytest

from regraft.adaptation.residual import Pace
from regraft.adaptation.table import AUTO, METHODS, SOURCE_ONLY, methods_asked
from regraft.errors import SettingsError
from tests import two_domains


def test_source_only_comes_first() -> None:
    assert next(iter(METHODS)) == SOURCE_ONLY
    assert methods_asked(AUTO) == list(METHODS)


@pytest.mark.parametrize("name", ["coral-recolour", "coral_recolour"])
def test_a_name_is_tried_beside_source_only(name: str) -> None:
    assert methods_asked(name) == [SOURCE_ONLY, "coral-recolour"]


def test_source_only_is_not_tried_twice() -> None:
    assert methods_asked("source_only") == [SOURCE_ONLY]


def test_an_unknown_name_is_met_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r"no method 'dan'.*try --method dann"):
        methods_asked("dan")
    with pytest.raises(SettingsError, match="regraft list methods"):
        methods_asked("xyzzy")


@pytest.mark.parametrize("name", METHODS)
def test_a_method_s_options_are_frozen_fields(name: str) -> None:
    method = METHODS[name]()
    assert dataclasses.is_dataclass(method)
    for field in dataclasses.fields(method):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(method, field.name, None)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_reads_equal_domains_as_the_source_does(name: str) -> None:
    source, target = two_domains.wide(120, 0), two_domains.wide(90, 1)
    given = two_domains.domains(source, target)
    method = METHODS[name]()
    if "pace" in {field.name for field in dataclasses.fields(method)}:  # type: ignore[arg-type]
        method = dataclasses.replace(method, pace=Pace(steps=30, rows=32))  # type: ignore[type-var]
    adapted = method.adapt(given)
    assert two_domains.accuracy(adapted, target) > 0.93
    assert np.isfinite(adapted.on_target.weight).all()
    for probe in (adapted.on_source, adapted.on_target):
        assert probe.weight.shape == (3, 6)
        assert probe.shift.dtype == probe.weight.dtype == np.float32
