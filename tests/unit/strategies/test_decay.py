"""Tests parameter decay by hand, and that it does not depend on the learning rate."""

import pytest
import torch

from regraft.errors import SettingsError
from regraft.strategies.decay import Decay
from regraft.training.loop import work
from tests.tiny_sessions import facts, grafted, session, spliced, state


def test_one_phase_with_the_share_and_no_other_decay() -> None:
    (phase,) = Decay(0.01).phases(spliced(grafted("image")), facts("image", weight_decay=0.3))
    assert (phase.name, phase.shrink, phase.weight_decay, phase.line) == ("decay", 0.01, 0.0, 0)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2.0])
def test_a_share_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(SettingsError, match=f"decay:rate={rate}"):
        Decay(rate)


def test_without_a_learning_rate_matrices_shrink_by_the_share_a_step() -> None:
    made = session("image")
    before = state(made.network)
    # So small that Adam's steps are lost in rounding; four steps of eight rows an epoch.
    given = facts("image", epochs=1, rate=1e-30)
    work(made, Decay(0.01).phases(made.chain, given))
    assert made.step == 4
    after = state(made.network)
    for name, parameter in made.network.named_parameters():
        share = 0.99**4 if parameter.ndim > 1 else 1.0
        torch.testing.assert_close(after[name], before[name] * share, rtol=1e-5, atol=1e-7)
