"""Tests parameter decay by hand, and that it does not depend on the learning rate."""

import pytest
import torch

from regraft.errors import SettingsError
from regraft.strategies.decay import Decay
from regraft.training.loop import work
from regraft.training.phase import describe
from tests.tiny_sessions import facts, grafted, session, spliced, state


def test_one_phase_with_the_share_and_no_other_decay() -> None:
    chain = spliced(grafted("image"))
    (phase,) = Decay(0.01).phases(chain, facts("image", weight_decay=0.3))
    shares = (0.01,) * (len(chain.blocks) + 1)
    assert (phase.name, phase.shrink, phase.weight_decay, phase.line) == ("decay", shares, 0.0, 0)


def test_each_group_has_a_share_of_its_own_and_the_plan_tells_it() -> None:
    chain = spliced(grafted("image"))
    (phase,) = Decay(0.04, head=0.5, layer=0.5).phases(chain, facts("image"))
    assert phase.shrink[-3:] == (0.02, 0.04, 0.5)
    groups = describe(phase, chain, head_parameters=1)["groups"]
    assert [group["shrink"] for group in groups] == list(phase.shrink)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2.0])
def test_a_share_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(SettingsError, match=f"decay:rate={rate}"):
        Decay(rate)
    with pytest.raises(SettingsError, match=f"decay:head={rate}"):
        Decay(head=rate)


@pytest.mark.parametrize("layer", [0.0, 1.1, -1.0])
def test_a_factor_that_is_none_is_refused(layer: float) -> None:
    with pytest.raises(SettingsError, match=f"decay:layer={layer}"):
        Decay(layer=layer)


def test_without_a_learning_rate_matrices_shrink_by_the_share_a_step() -> None:
    made = session("image")
    before = state(made.network)
    # So small that Adam's steps are lost in rounding; four steps of eight rows an epoch.
    given = facts("image", epochs=1, rate=1e-30)
    work(made, Decay(0.01, head=0.1).phases(made.chain, given))
    assert made.step == 4
    after = state(made.network)
    for name, parameter in made.network.named_parameters():
        kept = 0.9 if name.startswith("head.") else 0.99
        share = kept**4 if parameter.ndim > 1 else 1.0
        torch.testing.assert_close(after[name], before[name] * share, rtol=1e-5, atol=1e-7)
