"""Tests that a frozen classifier gets features that suit it, from the target alone."""

import numpy as np

from regraft.adaptation.residual import Pace
from regraft.adaptation.shot import Shot
from regraft.adaptation.standardise import Standardise
from tests import two_domains

PACE = Pace(steps=200, rows=128, rate=5e-3, decay=0.0)


def test_it_follows_classes_that_turn_by_the_gap_between_them() -> None:
    source, target = two_domains.turned(500, 0, by=0.0), two_domains.turned(500, 1, by=1.3)
    given = two_domains.domains(source, target)
    before = two_domains.accuracy(Standardise().adapt(given), target)
    assert two_domains.accuracy(Shot(pace=PACE).adapt(given), target) > before + 0.02


def test_on_the_source_nothing_changes() -> None:
    given = two_domains.domains(two_domains.wide(60, 0), two_domains.wide(60, 1, shift=1.0))
    assert Shot(pace=Pace(steps=5)).adapt(given).on_source is given.start


def test_it_sees_no_label_of_the_source_again() -> None:
    source, target = two_domains.wide(60, 0), two_domains.wide(60, 1, shift=1.0)
    given = two_domains.domains(source, target)
    turned = type(source)(source.features, np.roll(source.labels, 3))
    other = type(given)(turned, given.val, given.target, given.start, given.proportions)
    pace = Pace(steps=10, rows=32)
    found = [Shot(pace=pace).adapt(each).on_target.weight for each in (given, other)]
    assert np.array_equal(found[0], found[1])
