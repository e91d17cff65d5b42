"""Tests virtual rows whose classes follow the target."""

import numpy as np
import pytest

from regraft.adaptation.gaussian import Gaussian, responsibilities, shrunk_covariance
from regraft.adaptation.standardise import Standardise
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
