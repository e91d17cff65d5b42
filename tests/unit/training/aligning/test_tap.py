"""Tests that what crosses a position is left behind, with its gradient, and only in a stretch."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from regraft.backbones.chain import Chain
from regraft.backbones.graft import Grafted
from regraft.training.aligning.tap import lies_by_rows, tapped
from tests.tiny_sessions import EXAMPLES, KINDS, example, grafted, spliced


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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("position", [1, 2, 3])
def test_what_usual_networks_make_lies_row_by_row(kind: str, position: int) -> None:
    network = grafted(kind).train()
    batch = EXAMPLES[kind](1).rows.batch(np.array([0]))
    assert lies_by_rows(network, spliced(network), position=position, batch=batch)
    assert network.training


class Otherwise(nn.Module):
    """A layer whose tokens lie otherwise than a layer's usually do."""

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.numbers = nn.Embedding(50, 4)
        self.change = change

    def forward(self, tokens: Tensor) -> Tensor:
        """Returns (B, T, 4), changed."""
        made: Tensor = self.change(self.numbers(tokens))
        return made


@pytest.mark.parametrize("tokens", [1, 2, 3, 8])
@pytest.mark.parametrize(
    ("change", "fits"),
    [
        (lambda made: made, True),
        (lambda made: made.mean(1), True),
        (lambda made: made.transpose(0, 1), False),
        (lambda made: torch.cat([made, made], dim=1), False),
    ],
)
def test_rows_come_first_and_tokens_second(
    tokens: int, change: Callable[[Tensor], Tensor], fits: bool
) -> None:
    network = Otherwise(change)
    cuts = [SimpleNamespace(path=""), SimpleNamespace(path="")]
    chain = cast(Chain, SimpleNamespace(network=network, cuts=cuts))
    whole = cast(Grafted, Whole(network))
    ones = torch.ones(1, tokens, dtype=torch.long)
    batch = {"input_ids": ones, "attention_mask": ones}
    assert lies_by_rows(whole, chain, position=1, batch=batch) is fits


class Whole(nn.Module):
    """Reads the layer, as a grafted network does its trunk."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def features(self, batch: dict[str, Tensor]) -> Tensor:
        """Returns what the layer makes."""
        made: Tensor = self.layer(batch["input_ids"])
        return made
