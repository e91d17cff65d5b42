"""Tests the distance on numbers worked by hand and against the formula written out."""

import pytest
import torch

from regraft.losses.coral import coral, covariance


def test_four_numbers_give_the_distance_worked_by_hand() -> None:
    # Variances 2 and 8: (2 − 8)² / 4.
    source, target = torch.tensor([[1.0], [-1.0]]), torch.tensor([[2.0], [-2.0]])
    assert float(coral(source, target)) == pytest.approx(9.0)


def test_the_distance_is_the_formula_written_out() -> None:
    generator = torch.Generator().manual_seed(0)
    samples = [torch.randn(rows, 3, generator=generator) for rows in (6, 5)]
    covariances = []
    for sample in samples:
        rows = sample.tolist()
        count = len(rows)
        columns = [sum(row[j] for row in rows) for j in range(3)]
        # C = (XᵀX − (1ᵀX)ᵀ(1ᵀX) / n) / (n − 1), as in the paper.
        covariances.append(
            [
                [
                    (sum(r[j] * r[k] for r in rows) - columns[j] * columns[k] / count) / (count - 1)
                    for k in range(3)
                ]
                for j in range(3)
            ]
        )
    first, second = covariances
    expected = sum((first[j][k] - second[j][k]) ** 2 for j in range(3) for k in range(3)) / 36
    assert float(coral(*samples)) == pytest.approx(expected, abs=1e-5)


def test_the_covariance_is_that_of_torch() -> None:
    rows = torch.randn(7, 4, generator=torch.Generator().manual_seed(2))
    assert torch.allclose(covariance(rows), torch.cov(rows.T), atol=1e-6)
