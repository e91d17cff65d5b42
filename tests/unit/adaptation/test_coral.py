"""Tests that a shear becomes smaller where both domains are drawn together."""

import numpy as np
import pytest

from regraft.adaptation.coral import Coral
from regraft.adaptation.residual import Pace
from regraft.adaptation.standardise import Standardise
from regraft.errors import SettingsError
from tests import two_domains

PACE = Pace(steps=300, rows=128, rate=1e-2, decay=0.0)


def test_it_helps_against_a_shear_and_keeps_the_source() -> None:
    source, target = two_domains.two_classes(500, 0), two_domains.sheared(500)
    given = two_domains.domains(source, target)
    before = two_domains.accuracy(Standardise().adapt(given), target)
    adapted = Coral(weight=10.0, pace=PACE).adapt(given)
    assert two_domains.accuracy(adapted, target) >= before - 0.01
    assert two_domains.share_right(adapted.on_source.logits(source.features), source.labels) > 0.93


def test_its_weight_is_that_of_the_term() -> None:
    given = two_domains.domains(two_domains.two_classes(80, 0), two_domains.sheared(80))
    few = Pace(steps=20, rows=32, rate=1e-2)
    found = [Coral(weight=weight, pace=few).adapt(given).on_target.weight for weight in (0.0, 10.0)]
    assert abs(found[0] - found[1]).max() > 1e-3


def test_one_row_has_no_covariance() -> None:
    with pytest.raises(SettingsError, match=r"coral:rows=1 \(expected: a whole number, at least 2"):
        Coral(pace=Pace(rows=1))
    given = two_domains.domains(two_domains.two_classes(80, 0), two_domains.sheared(80))
    made = Coral(pace=Pace(steps=5, rows=2)).adapt(given)
    assert np.isfinite(made.on_target.weight).all()
