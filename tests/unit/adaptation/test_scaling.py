"""Tests the standardisation of domains, and a classifier written for another one."""

import numpy as np
import pytest

from regraft.adaptation.scaling import Scaling, rebased, scaling_of, standardise_each
from regraft.training.heads.probe import LinearProbe, standard_scale
from tests import two_domains


def test_it_is_that_of_the_linear_probe_where_rows_weigh_the_same() -> None:
    features = two_domains.wide(60, 0).features
    found = scaling_of(features)
    assert found.shift == pytest.approx(features.mean(axis=0), abs=1e-6)
    assert found.scale == pytest.approx(standard_scale(features), rel=1e-5)


def test_weights_count_as_copies_of_rows() -> None:
    features = two_domains.wide(6, 0).features
    times = np.array([1, 2, 1, 3, 1, 1])
    weighted = scaling_of(features, times.astype(np.float32))
    copied = scaling_of(np.repeat(features, times, axis=0))
    assert weighted.shift == pytest.approx(copied.shift, abs=1e-6)
    assert weighted.scale == pytest.approx(copied.scale, rel=1e-5)


def test_a_still_feature_is_not_blown_up() -> None:
    features = np.stack([np.arange(10.0), np.full(10, 3.0)], axis=1).astype(np.float32)
    assert scaling_of(features).scale[1] < 10


def test_each_domain_is_standardised_by_its_own_statistics() -> None:
    given = two_domains.domains(two_domains.two_classes(200, 0), two_domains.moved(200))
    both = standardise_each(given)
    for features in (both.source, both.target):
        assert features.mean(axis=0) == pytest.approx([0, 0], abs=1e-5)
        assert features.std(axis=0) == pytest.approx([1, 1], abs=1e-4)


def test_a_rebased_classifier_gives_the_same_logits() -> None:
    generator = np.random.default_rng(0)
    numbers = [generator.standard_normal(6).astype(np.float32) for _ in range(4)]
    probe = LinearProbe(
        numbers[0],
        np.exp(numbers[1]),
        generator.standard_normal((3, 6)).astype(np.float32),
        generator.standard_normal(3).astype(np.float32),
        0.1,
    )
    features = two_domains.wide(30, 1).features
    found = rebased(probe, Scaling(numbers[2], np.exp(numbers[3])))
    assert found.logits(features) == pytest.approx(probe.logits(features), abs=1e-4)
    assert found.strength == 0.1
    assert np.array_equal(found.shift, numbers[2])
