"""Tests that the attention kernel of transformers networks is switched, and no other's."""

import torch
from torch import nn

from regraft.backbones.attention import best_attention, has_attention, set_attention
from tests.unit.backbones.sources.tiny import tiny_bert


def test_networks_are_built_with_the_fused_kernel() -> None:
    assert tiny_bert().config._attn_implementation == "sdpa"


def test_a_switch_changes_the_kernel_and_hardly_the_output() -> None:
    network = tiny_bert()
    ids = torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        fused = network(input_ids=ids).last_hidden_state
        set_attention(network, "eager")
        plain = network(input_ids=ids).last_hidden_state
    assert network.config._attn_implementation == "eager"
    assert torch.allclose(fused, plain, atol=1e-5)


def test_a_switch_can_be_undone() -> None:
    network = tiny_bert()
    set_attention(network, "eager")
    set_attention(network, "sdpa")
    assert network.config._attn_implementation == "sdpa"


def test_other_networks_are_left_alone() -> None:
    network = nn.Linear(2, 2)
    set_attention(network, "eager")
    assert not has_attention(network)
    assert has_attention(tiny_bert())


def test_a_class_without_the_fused_kernel_gets_the_plain_one() -> None:
    assert best_attention(nn.Linear) == "eager"
