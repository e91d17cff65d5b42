"""Tests that a frozen classifier gets features that suit it, from the target alone."""

from dataclasses import replace

import numpy as np
import pytest

from regraft.adaptation.residual import Pace
from regraft.adaptation.selection import judge, signs_of
from regraft.adaptation.shot import Shot
from regraft.adaptation.source_only import SourceOnly
from regraft.adaptation.standardise import Standardise
from tests import two_domains

PACE = Pace(steps=200, rows=128, rate=5e-3, decay=0.0)


def test_it_follows_classes_that_turn_by_the_gap_between_them() -> None:
    source, target = two_domains.turned(500, 0, by=0.0), two_domains.turned(500, 1, by=1.3)
    given = two_domains.domains(source, target)
    before = two_domains.accuracy(Standardise().adapt(given), target)
    assert two_domains.accuracy(Shot(pace=PACE).adapt(given), target) > before + 0.02


def test_the_source_is_read_by_the_map_that_followed_the_target() -> None:
    given = two_domains.domains(two_domains.wide(60, 0), two_domains.wide(60, 1, shift=1.0))
    made = Shot(pace=PACE).adapt(given)
    assert np.array_equal(made.on_source.weight, made.on_target.weight)
    rows = given.source.features
    assert np.abs(made.on_source.logits(rows) - given.start.logits(rows)).max() > 0.1


def test_a_map_that_forgets_the_source_is_seen_and_dropped() -> None:
    source, target = two_domains.turned(500, 0, by=0.0), two_domains.turned(500, 1, by=2.2)
    given = two_domains.domains(source, target)
    made = Shot(pace=replace(PACE, rate=2e-2)).adapt(given)
    start = signs_of(SourceOnly().adapt(given), given)
    found = judge("shot", made, domains=given, start=start)
    right = two_domains.share_right(made.on_source.logits(source.features), source.labels)
    assert found.selection()["source_accuracy"] == pytest.approx(right)
    assert right < start.source_accuracy - 0.05
    assert "its accuracy on source rows fell" in found.objections["forgetful"]


def test_it_sees_no_label_of_the_source_again() -> None:
    source, target = two_domains.wide(60, 0), two_domains.wide(60, 1, shift=1.0)
    given = two_domains.domains(source, target)
    turned = type(source)(source.features, np.roll(source.labels, 3))
    other = type(given)(turned, given.val, given.target, given.start, given.proportions)
    pace = Pace(steps=10, rows=32)
    found = [Shot(pace=pace).adapt(each).on_target.weight for each in (given, other)]
    assert np.array_equal(found[0], found[1])
