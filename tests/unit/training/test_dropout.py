"""Tests that dropout is what was asked for, whatever the library keeps it in."""

import torch
from torch import nn
from torchvision.ops import StochasticDepth

from regraft.training.dropout import apply_dropout
from tests.tiny_sessions import example, grafted


class Attention(nn.Module):
    """Keeps a share as a number, as some libraries do."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_dropout = 0.3
        self.drop_prob = 0.2
        self.dropout = nn.Dropout1d(0.1)
        self.attn_dropout = None


def test_every_dropout_module_gets_the_share() -> None:
    network = grafted("text", head="mlp:8", dropout=0.4)
    apply_dropout(network, 0.25)
    shares = {m.p for m in network.modules() if isinstance(m, nn.Dropout)}
    assert shares == {0.25}


def test_shares_kept_as_numbers_are_set_and_nothing_else() -> None:
    network = grafted("image")
    network.trunk.extra = Attention()
    apply_dropout(network, 0.25)
    extra = network.trunk.extra
    assert isinstance(extra, Attention)
    assert (extra.attention_dropout, extra.drop_prob, extra.dropout.p) == (0.25, 0.25, 0.25)
    assert extra.attn_dropout is None


def test_branches_that_torchvision_leaves_out_are_set_too() -> None:
    network = grafted("image")
    extra = network.trunk.extra = StochasticDepth(0.5, "row")
    apply_dropout(network, 0.25)
    assert extra.p == 0.25


def test_a_share_of_zero_makes_training_passes_alike() -> None:
    network = grafted("text", dropout=0.5).train()
    assert not torch.equal(network(example("text")), network(example("text")))
    apply_dropout(network, 0.0)
    assert torch.equal(network(example("text")), network(example("text")))
