"""Tests that a boundary moves to where the target's classes part."""

import pytest

from regraft.adaptation.mcc import Mcc
from regraft.adaptation.residual import Pace
from regraft.adaptation.standardise import Standardise
from regraft.errors import SettingsError
from tests import two_domains

PACE = Pace(steps=300, rows=128, rate=1e-2, decay=0.0)


def test_it_follows_classes_that_turn_by_the_gap_between_them() -> None:
    source, target = two_domains.turned(500, 0, by=0.0), two_domains.turned(500, 1, by=1.3)
    given = two_domains.domains(source, target)
    before = two_domains.accuracy(Standardise().adapt(given), target)
    after = two_domains.accuracy(Mcc(pace=PACE).adapt(given), target)
    assert after > before + 0.02


def test_a_higher_temperature_is_another_loss() -> None:
    given = two_domains.domains(two_domains.wide(60, 0), two_domains.wide(60, 1, shift=1.0))
    few = Pace(steps=20, rows=32, rate=1e-2)
    found = [Mcc(temperature=t, pace=few).adapt(given).on_target.weight for t in (1.0, 2.5)]
    assert abs(found[0] - found[1]).max() > 1e-3


def test_a_temperature_of_nothing_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"mcc:temperature=0.0 \(expected: a number above 0\)"):
        Mcc(temperature=0.0)
