"""Tests that weights are pulled to where they came from, more strongly the larger alpha is."""

import pytest

from regraft.errors import SettingsError
from regraft.strategies.l2_start import L2Start
from regraft.training.loop import work
from tests.tiny_sessions import facts, grafted, session, spliced, state


def test_the_pull_takes_the_place_of_weight_decay() -> None:
    head, tune = L2Start(0.3, 0.2).phases(spliced(grafted("image")), facts("image"))
    assert (head.pull, tune.pull, tune.weight_decay) == ((0.0, 0.0), (0.3, 0.2), 0.0)


@pytest.mark.parametrize("given", [(-1.0, 0.1), (0.1, -1.0)])
def test_a_pull_away_is_refused(given: tuple[float, float]) -> None:
    with pytest.raises(SettingsError, match=r"l2-start:(alpha|beta)="):
        L2Start(*given)


@pytest.mark.parametrize("kind", ["text", "image"])
def test_a_stronger_pull_leaves_the_weights_nearer_to_their_start(kind: str) -> None:
    def way(alpha: float) -> float:
        made = session(kind)
        before = state(made.network.trunk)
        work(made, L2Start(alpha, 0.0).phases(made.chain, facts(kind, epochs=6)))
        assert all(stretch.holds for stretch in made.stretches)
        named = dict(made.network.trunk.named_parameters())
        return sum(float((p.detach() - before[n]).square().sum()) for n, p in named.items())

    assert way(100.0) < 0.5 * way(0.0)
