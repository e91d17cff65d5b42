"""Tests that nothing of the pretrained weights is left, and that all blocks move."""

import torch

from regraft.strategies.scratch import Scratch
from regraft.training.loop import work
from tests.tiny_sessions import facts, grafted, session, spliced, state


def test_one_phase_moves_every_block_at_one_rate() -> None:
    (phase,) = Scratch().phases(spliced(grafted("image")), facts("image", rate=0.02))
    assert (phase.fresh, phase.line, phase.rates) == (True, 0, (0.02,) * 3)
    assert Scratch.whole


def test_the_trunk_starts_where_it_was_drawn() -> None:
    made = session("image")
    drawn = {name: torch.full_like(t, 0.03) for name, t in made.network.trunk.state_dict().items()}
    made.fresh = lambda: drawn
    work(made, Scratch().phases(made.chain, facts("image", epochs=1, rate=1e-30)))
    for name, parameter in made.network.trunk.named_parameters():
        torch.testing.assert_close(parameter.detach(), drawn[name])
    assert state(made.network.head).keys()
