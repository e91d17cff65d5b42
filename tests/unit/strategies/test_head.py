"""Tests that the head strategy freezes the whole trunk."""

from regraft.strategies.head import Head
from tests.tiny_sessions import facts, grafted, spliced


def test_nothing_but_the_head_moves() -> None:
    given = facts("image", head_epochs=7, rate=0.01, head_rate=0.02, weight_decay=0.3)
    (phase,) = Head().phases(spliced(grafted("image")), given)
    assert (phase.name, phase.line, phase.epochs, phase.head_rate) == ("head", 3, 7, 0.02)
    assert (phase.rates, phase.weight_decay, phase.refit) == ((0, 0, 0), 0.3, False)


def test_a_head_may_be_solved_once_more() -> None:
    (phase,) = Head(refit=True).phases(spliced(grafted("image")), facts("image"))
    assert phase.refit
