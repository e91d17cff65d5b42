"""Tests the one table of methods, and what holds for each of them."""

import dataclasses

import numpy as np
import pytest

from regraft.adaptation.residual import Pace
from regraft.adaptation.source_only import SourceOnly
from regraft.adaptation.table import (
    AUTO,
    METHODS,
    PREPARATIONS,
    SOURCE_ONLY,
    make_method,
    methods_asked,
    words_of,
)
from regraft.adaptation.tapt import Tapt
from regraft.errors import SettingsError
from tests import two_domains


def test_source_only_comes_first() -> None:
    assert next(iter(METHODS)) == SOURCE_ONLY
    assert methods_asked(AUTO) == list(METHODS)
    assert methods_asked("auto,tapt")[-1] == "tapt"


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


def test_several_are_tried_in_the_order_typed_each_once() -> None:
    assert methods_asked("mcc, dann,mcc") == [SOURCE_ONLY, "mcc", "dann"]


def test_options_stand_behind_a_colon_and_a_preparation_before_a_plus() -> None:
    typed = (
        "gaussian:rounds=3,prior=2,dann:steps=7,weight=0.5,adabn,tapt:steps=9,rows=4+mcc:rate=1e-3"
    )
    words = words_of(typed)
    assert words == [
        "gaussian:rounds=3,prior=2",
        "dann:steps=7,weight=0.5",
        "adabn",
        "tapt:steps=9,rows=4+mcc:rate=1e-3",
    ]
    made = [make_method(word) for word in words]
    assert made[0].method == METHODS["gaussian"](rounds=3, prior=2.0)
    pace = dataclasses.replace(METHODS["dann"]().pace, steps=7)  # type: ignore[attr-defined]
    assert made[1].method == METHODS["dann"](weight=0.5, pace=pace)
    assert made[2].method == SourceOnly()
    assert made[2].preparation == PREPARATIONS["adabn"]()
    assert made[3].preparation == Tapt(steps=9, rows=4)
    assert made[0].preparation is None


def test_a_plus_in_a_number_is_no_preparation_s() -> None:
    words = words_of("gaussian:prior=1e+2,rows=2,coral_recolour:ridge=1E+0,tapt:rate=1e+0 + coral")
    assert words == [
        "gaussian:prior=1e+2,rows=2",
        "coral-recolour:ridge=1E+0",
        "tapt:rate=1e+0+coral",
    ]
    assert make_method(words[0]).method == METHODS["gaussian"](prior=100.0, rows=2.0)
    made = make_method(words[2])
    assert (made.method, made.preparation) == (METHODS["coral"](), Tapt(rate=1.0))


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        methods_asked(
            "dan,gaussian:round=3,mmd:weight=-1,dann+adabn,fourier:beta=2,pseudo:shares=x"
        )
    told = str(caught.value)
    assert "there is no method 'dan'" in told
    assert "gaussian:round (did you mean rounds?)" in told
    assert "mmd:weight=-1.0 (expected: a number from 0 to 1e+30)" in told
    assert "there is no preparation 'dann'; expected one of adabn, fourier, tapt" in told
    assert "fourier:beta=2.0 (expected: a number from 0 to below 0.5)" in told
    assert "pseudo:shares=x (expected: a number, or several with / between)" in told


@pytest.mark.parametrize("name", [*METHODS, *PREPARATIONS])
def test_a_method_s_options_are_frozen_fields(name: str) -> None:
    method = {**METHODS, **PREPARATIONS}[name]()
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


@pytest.mark.parametrize("word", ["dann:position=3", "adabn+dann:hidden=4,discriminator=cnn"])
def test_options_of_a_moving_trunk_are_told_where_it_is_frozen(word: str) -> None:
    with pytest.raises(
        SettingsError, match="here dann reads features; try --strategy two-stage --method dann:"
    ):
        make_method(word)
    make_method("dann:hidden=4,weight=2")
