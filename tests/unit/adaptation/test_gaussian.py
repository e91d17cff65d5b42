"""Tests virtual rows whose classes follow the target."""

from dataclasses import replace

import numpy as np
import pytest

from regraft.adaptation.gaussian import Gaussian, responsibilities, rows_around, shrunk_covariance
from regraft.adaptation.numbers import NotFiniteError
from regraft.adaptation.standardise import Standardise
from regraft.losses.cross_entropy import balanced_weights
from regraft.scoring.metrics import row_losses, softmax
from regraft.training.heads.probe import Labelled
from tests import two_domains


def parted(rows: int, seed: int, *, by: tuple[float, float], noise: float) -> Labelled:
    """Returns two classes that lie apart along both features by so much."""
    generator = np.random.default_rng(seed)
    labels = (np.arange(rows) % 2).astype(np.int64)
    spread = generator.standard_normal((rows, 2)) * np.array([0.7, noise])
    features = (2.0 * labels - 1)[:, None] * np.array(by) + spread
    return Labelled(features.astype(np.float32), labels)


def test_means_follow_classes_that_part_where_the_source_s_did_not() -> None:
    source = parted(400, 0, by=(1.0, 0.0), noise=1.0)
    target = parted(400, 1, by=(0.5, 1.5), noise=0.5)
    given = two_domains.domains(source, target)
    before = two_domains.accuracy(Standardise().adapt(given), target)
    method = Gaussian(rounds=10, prior=0.1, rows=4.0)
    assert two_domains.accuracy(method.adapt(given), target) > before + 0.05


def test_it_undoes_a_stretch_and_a_move_too() -> None:
    source, target = two_domains.two_classes(400, 0), two_domains.moved(400)
    given = two_domains.domains(source, target)
    found = two_domains.accuracy(Gaussian().adapt(given), target)
    assert found > two_domains.accuracy(Standardise().adapt(given), target) - 0.02


def test_responsibilities_are_bayes_rule_written_out() -> None:
    generator = np.random.default_rng(0)
    target = generator.standard_normal((5, 2)).astype(np.float32)
    means = np.array([[1.0, 0.0], [0.0, -1.0], [0.5, 0.5]])
    spread = np.array([[1.0, 0.3], [0.3, 0.5]])
    shares = np.array([0.5, 0.3, 0.2])
    inverse = np.linalg.inv(spread)
    expected = []
    for row in target:
        gaps = row - means
        density = shares * np.exp(-0.5 * np.einsum("kd,de,ke->k", gaps, inverse, gaps))
        expected.append(density / density.sum())
    found = responsibilities(target, means, spread=spread, shares=shares)
    assert found == pytest.approx(np.array(expected), abs=1e-6)


def test_a_covariance_of_few_rows_can_be_inverted() -> None:
    residuals = np.random.default_rng(0).standard_normal((5, 20)).astype(np.float32)
    assert np.linalg.eigvalsh(shrunk_covariance(residuals)).min() > 0


def test_classes_of_one_row_each_have_no_covariance_and_are_told_apart_all_the_same() -> None:
    source = two_domains.two_classes(40, 0)
    still = np.array([[-1.0, 0.0], [1.0, 0.0]], np.float32)[source.labels]
    target = two_domains.moved(60)
    given = two_domains.domains(Labelled(still, source.labels), target)
    assert two_domains.accuracy(Gaussian().adapt(given), target) > 0.9


def test_a_class_that_no_row_belongs_to_is_nowhere_where_no_prior_holds_it() -> None:
    generator = np.random.default_rng(0)
    labels = np.arange(90, dtype=np.int64) % 3
    centres = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 10.0]])
    rows = (centres[labels] + 0.01 * generator.standard_normal((90, 2))).astype(np.float32)
    rows[labels < 2, 1] = 0
    target = Labelled(rows[labels < 2], labels[labels < 2])
    given = two_domains.domains(Labelled(rows, labels), target)
    with pytest.raises(NotFiniteError):
        Gaussian(prior=0.0).adapt(given)
    assert np.isfinite(Gaussian().adapt(given).on_target.weight).all()


def test_virtual_rows_lie_around_real_ones_with_the_covariance_asked_for() -> None:
    root = np.array([[0.5, 0.0], [0.3, 0.2]])
    real = parted(4000, 0, by=(1.0, 0.0), noise=1.0)
    found = rows_around(real, root, seed=3)
    assert np.array_equal(found.labels, real.labels)
    gaps = found.features.astype(np.float64) - real.features
    assert gaps.mean(axis=0) == pytest.approx(np.zeros(2), abs=0.03)
    assert np.cov(gaps.T) == pytest.approx(root @ root.T, abs=0.02)
    assert np.array_equal(rows_around(real, root, seed=3).features, found.features)
    assert not np.array_equal(rows_around(real, root, seed=4).features, found.features)


def test_rows_around_few_real_ones_make_noise_in_the_features_harmless() -> None:
    source = two_domains.wide(24, 0)
    generator = np.random.default_rng(1)
    clean = two_domains.wide(600, 1)
    noise = 1.5 * generator.standard_normal(clean.features.shape)
    noisy = Labelled((clean.features + noise).astype(np.float32), clean.labels)
    given = two_domains.domains(source, clean)
    losses = []
    for around in (0.0, 2.0):
        probe = Gaussian(rows=0.0, around=around).adapt(given).on_target
        found = row_losses(softmax(probe.logits(noisy.features)), noisy.labels)
        losses.append(float(found.mean()))
    assert losses[1] < 0.9 * losses[0]


def test_balanced_classes_count_the_same_though_virtual_rows_come_in_other_proportions() -> None:
    source, target = two_domains.alike(500, 0, positive=0.2), two_domains.alike(300, 1)
    plain = two_domains.domains(source, target)
    given = replace(plain, class_weights=balanced_weights(source.labels, 2))
    probe = Gaussian(rows=4.0).adapt(given).on_target
    # What the features do not tell is told by how much a class counts.
    assert softmax(probe.logits(target.features))[:, 1].mean() == pytest.approx(0.5, abs=0.06)
