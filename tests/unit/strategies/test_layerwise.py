"""Tests that rates fall from block to block in one phase."""

import pytest

from regraft.strategies.layerwise import Layerwise
from tests.tiny_sessions import facts, grafted, spliced


@pytest.mark.parametrize(
    ("decay", "rates"), [(None, (0.02, 0.04, 0.08)), (0.25, (0.005, 0.02, 0.08))]
)
def test_each_block_has_a_share_of_the_rate_of_the_one_above(
    decay: float | None, rates: tuple[float, ...]
) -> None:
    given = facts("image", rate=0.08, layer_decay=0.5)
    (phase,) = Layerwise(decay).phases(spliced(grafted("image")), given)
    assert (phase.name, phase.line, phase.epochs) == ("layerwise", 0, 2)
    assert phase.rates == pytest.approx(rates)
