"""Tests that the last phase averages, and that nothing more is frozen."""

from regraft.freezing.line import NOTHING
from regraft.strategies.average import Average
from regraft.strategies.two_stage import TwoStage
from tests.tiny_sessions import facts, grafted, spliced


def test_the_last_phase_averages() -> None:
    network = grafted("text")
    phases = Average().change(TwoStage().phases(spliced(network), facts("text")))
    assert [phase.average for phase in phases] == [False, True]
    assert Average().held(network.trunk) == NOTHING
