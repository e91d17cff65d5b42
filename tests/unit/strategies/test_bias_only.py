"""Tests that biases alone move in the trunk."""

from dataclasses import replace

import pytest
from torch import nn

from regraft.errors import SettingsError
from regraft.strategies.bias_only import BiasOnly
from regraft.strategies.two_stage import TwoStage
from regraft.training.loop import work
from tests.tiny_sessions import KINDS, changed, facts, session, state

OWN = {
    "text": ("bias",),
    "image": ("bias",),
}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_else_moves(kind: str) -> None:
    made = session(kind)
    held = BiasOnly().held(made.network.trunk)
    made.options = replace(made.options, above=held)
    before = state(made.network.trunk)
    phases = TwoStage().phases(made.chain, facts(kind))
    work(made, BiasOnly().change(phases))
    parameters = dict(made.network.trunk.named_parameters())
    moved = changed(before, made.network.trunk) & set(parameters)
    assert moved == {name for name in parameters if name.endswith(OWN[kind])}
    assert moved == set(parameters) - held.parameters
    assert all(stretch.holds for stretch in made.stretches)


def test_a_trunk_without_any_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"\+bias-only leaves nothing"):
        BiasOnly().held(nn.Sequential(nn.Linear(2, 2, bias=False)))
