"""Tests that recolouring undoes a shear, which no standardisation can."""

import numpy as np
import pytest

from regraft.adaptation.coral_recolour import CoralRecolour
from regraft.adaptation.labelled import with_labelled
from regraft.adaptation.standardise import Standardise
from regraft.errors import SettingsError
from regraft.training.heads.probe import Labelled
from tests import two_domains


def test_it_undoes_a_shear() -> None:
    source, target = two_domains.two_classes(600, 0), two_domains.sheared(600)
    given = two_domains.domains(source, target)
    before = two_domains.accuracy(Standardise().adapt(given), target)
    after = two_domains.accuracy(CoralRecolour(ridge=0.01).adapt(given), target)
    assert before < 0.9
    assert after > 0.97


def test_source_rows_are_read_through_the_map() -> None:
    source = two_domains.two_classes(300, 0)
    given = two_domains.domains(source, two_domains.sheared(300))
    adapted = CoralRecolour(ridge=0.01).adapt(given)
    found = two_domains.share_right(adapted.on_source.logits(source.features), source.labels)
    assert found > 0.97


def test_equal_domains_keep_the_classifier() -> None:
    source = two_domains.wide(300, 0)
    given = two_domains.domains(source, source, strength=0.01)
    adapted = CoralRecolour().adapt(given)
    expected = given.start.logits(source.features)
    assert adapted.on_target.logits(source.features) == pytest.approx(expected, abs=0.05)
    assert np.array_equal(adapted.on_target.bias, adapted.on_source.bias)


def test_labelled_target_rows_keep_their_colours() -> None:
    source, target = two_domains.two_classes(600, 0), two_domains.sheared(600)
    given = two_domains.domains(source, target)
    known = with_labelled(given, Labelled(target.features[:30], target.labels[:30]))
    adapted = CoralRecolour(ridge=0.01).adapt(known)
    assert two_domains.accuracy(adapted, target) > 0.97


@pytest.mark.parametrize("ridge", [0.0, -1.0, float("nan"), float("inf")])
def test_a_ridge_that_mends_no_covariance_is_refused(ridge: float) -> None:
    with pytest.raises(SettingsError, match=r"coral-recolour:ridge=.*a number above 0"):
        CoralRecolour(ridge=ridge)
