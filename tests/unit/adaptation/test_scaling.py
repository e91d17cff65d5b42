"""Tests the standardisation of domains, and a classifier written for another one."""

import numpy as np
import pytest

from regraft.adaptation.labelled import with_labelled
from regraft.adaptation.scaling import (
    Scaling,
    first_classifier,
    rebased,
    scaling_of,
    standardise_each,
)
from regraft.training.heads.probe import Labelled, LinearProbe, standard_scale
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


def test_labelled_target_rows_are_standardised_as_the_target_and_change_no_statistics() -> None:
    target = two_domains.moved(200)
    given = two_domains.domains(two_domains.two_classes(200, 0), target)
    known = Labelled(target.features[:20], target.labels[:20])
    plain, both = standardise_each(given), standardise_each(with_labelled(given, known))
    assert np.array_equal(both.source[:200], plain.source)
    assert np.array_equal(both.source[200:], np.repeat(plain.target[:20], 10, axis=0))
    assert np.array_equal(both.source_scaling.shift, plain.source_scaling.shift)


def test_a_method_begins_with_the_source_s_classifier_or_one_that_knows_more() -> None:
    target = two_domains.turned(200, 1, by=np.pi / 2)
    given = two_domains.domains(two_domains.turned(200, 0, by=0.0), target)
    both = standardise_each(given)
    weight, bias = first_classifier(given, both)
    found = both.adapted(weight, bias, strength=1.0).on_source.logits(given.source.features)
    assert found == pytest.approx(given.start.logits(given.source.features), abs=1e-4)
    more = with_labelled(given, Labelled(target.features[:20], target.labels[:20]))
    weight, bias = first_classifier(more, standardise_each(more))
    assert two_domains.share_right(both.target @ weight.T + bias, target.labels) > 0.65
    assert two_domains.share_right(both.source @ weight.T + bias, given.source.labels) > 0.65
