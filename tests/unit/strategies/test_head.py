"""Tests that the head strategy freezes the whole trunk."""

from regraft.strategies.head import Head
from tests.tiny_sessions import facts, grafted, spliced


def test_nothing_but_the_head_moves() -> None:
    (phase,) = Head().phases(spliced(grafted("image")), facts("image", head_epochs=7, rate=0.01))
    assert (phase.name, phase.line, phase.epochs, phase.head_rate) == ("head", 3, 7, 0.01)
    assert phase.rates == (0, 0, 0)
