"""Tests that what crosses a position is left behind, with its gradient, and only in a stretch."""

import pytest
import torch

from regraft.training.aligning.tap import tapped
from tests.tiny_sessions import KINDS, example, grafted, spliced


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("position", [1, 2, 3])
def test_a_pass_leaves_what_the_prefix_makes(kind: str, position: int) -> None:
    network = grafted(kind).eval()
    chain, batch = spliced(network), example(kind)
    with tapped(chain, position) as left:
        network.features(batch).sum().backward()
        network.features(batch)
    assert len(left) == 2
    assert left[0].requires_grad
    with torch.no_grad():
        torch.testing.assert_close(left[0].detach(), chain.prefix(position, batch))
        network.features(batch)
    assert len(left) == 2


def test_it_is_left_behind_by_a_suffix_too() -> None:
    network = grafted("text").eval()
    chain, batch = spliced(network), example("text")
    with torch.no_grad():
        below = chain.prefix(1, batch)
    with tapped(chain, 2) as left:
        chain.suffix(1, below, batch=batch)
    torch.testing.assert_close(left[0], chain.advance(below, batch, start=1, stop=2))


def test_nothing_is_left_behind_where_the_pooled_features_are_read() -> None:
    network = grafted("text")
    with tapped(spliced(network), None) as left:
        network.features(example("text"))
    assert left == []
