"""Tests the two stages: the head alone, then the trunk with decayed rates."""

import pytest

from regraft.strategies.two_stage import TwoStage
from tests.tiny_sessions import facts, grafted, spliced


def test_the_head_comes_first_and_then_the_trunk_at_decayed_rates() -> None:
    rates = {"rate": 0.08, "head_rate": 0.03, "layer_decay": 0.5, "weight_decay": 0.2}
    given = facts("image", epochs=4, head_epochs=7, **rates)
    head, tune = TwoStage().phases(spliced(grafted("image")), given)
    assert (head.name, head.line, head.epochs, head.rates) == ("head", 3, 7, (0, 0, 0))
    assert (head.head_rate, head.weight_decay) == (0.03, 0.2)
    assert (tune.name, tune.line, tune.epochs, tune.head_rate) == ("tune", 0, 4, 0.08)
    assert tune.rates == pytest.approx((0.02, 0.04, 0.08))
    assert tune.weight_decay == 0.2


def test_blocks_that_must_stay_frozen_stay_frozen_in_both_stages() -> None:
    head, tune = TwoStage().phases(spliced(grafted("image")), facts("image", start_line=1))
    assert (head.line, tune.line, tune.rates[0]) == (3, 1, 0)


@pytest.mark.parametrize(("classes", "rows"), [(2, 2048), (1000, 20_000)])
def test_the_head_starts_from_a_sample_that_has_rows_of_every_class(
    classes: int, rows: int
) -> None:
    head, tune = TwoStage().phases(spliced(grafted("image")), facts("image", classes=classes))
    assert (head.rows, tune.rows) == (rows, None)
