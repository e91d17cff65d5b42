"""Tests that statistics of the target undo what is done feature by feature."""

import numpy as np
import pytest

from regraft.adaptation.source_only import SourceOnly
from regraft.adaptation.standardise import Standardise
from tests import two_domains


def test_it_undoes_a_stretch_and_a_move() -> None:
    source, target = two_domains.two_classes(400, 0), two_domains.moved(400)
    given = two_domains.domains(source, target)
    assert two_domains.accuracy(SourceOnly().adapt(given), target) < 0.7
    assert two_domains.accuracy(Standardise().adapt(given), target) > 0.97


def test_on_the_source_it_is_the_source_s_classifier() -> None:
    given = two_domains.domains(two_domains.two_classes(100, 0), two_domains.moved(50))
    found = Standardise().adapt(given).on_source.logits(given.source.features)
    assert found == pytest.approx(given.start.logits(given.source.features), abs=1e-4)


def test_known_proportions_keep_classes_apart_that_equal_ones_would_mix() -> None:
    source, target = two_domains.two_classes(400, 0), two_domains.moved(400, positive=0.9)
    blind = two_domains.domains(source, target)
    told = two_domains.domains(source, target, proportions=np.array([0.1, 0.9]))
    found = [two_domains.accuracy(Standardise().adapt(given), target) for given in (blind, told)]
    assert found[1] > found[0] + 0.02
