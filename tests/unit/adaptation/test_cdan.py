"""Tests the domain classifier that sees predictions too."""

import pytest
import torch

from regraft.adaptation import cdan
from regraft.adaptation.cdan import Cdan, randomised
from regraft.adaptation.residual import Pace
from tests import two_domains

PACE = Pace(steps=60, rows=32, rate=5e-3)


@pytest.mark.parametrize("widest", [4096, 4])
def test_it_keeps_what_the_source_knows_however_it_conditions(
    widest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cdan, "WIDEST", widest)
    source, target = two_domains.wide(150, 0), two_domains.wide(150, 1, shift=0.7)
    given = two_domains.domains(source, target)
    adapted = Cdan(hidden=8, random=16, pace=PACE).adapt(given)
    assert two_domains.accuracy(adapted, target) > 0.9
    assert two_domains.share_right(adapted.on_source.logits(source.features), source.labels) > 0.9


def test_the_randomised_conditioning_is_the_formula_written_out() -> None:
    condition = randomised(3, 2, wide=5, seed=7)
    generator = torch.Generator().manual_seed(7)
    first = torch.randn(3, 5, generator=generator)
    second = torch.randn(2, 5, generator=generator)
    features, given = torch.randn(4, 3), torch.rand(4, 2)
    found = condition(features, given)
    for row in range(4):
        for place in range(5):
            one = sum(float(features[row, j] * first[j, place]) for j in range(3))
            other = sum(float(given[row, k] * second[k, place]) for k in range(2))
            assert float(found[row, place]) == pytest.approx(one * other / 5**0.5, abs=1e-5)


def test_products_of_the_randomised_conditioning_are_those_of_the_whole_one() -> None:
    condition = randomised(4, 3, wide=40_000, seed=0)
    features, given = torch.randn(2, 4), torch.rand(2, 3)
    found = (condition(features, given)[0] * condition(features, given)[1]).sum()
    expected = (features[0] @ features[1]) * (given[0] @ given[1])
    assert float(found) == pytest.approx(float(expected), abs=0.5)
