"""Decides which attention kernel a transformers network is built with and runs on."""

from typing import Any, Literal

from torch import nn

AttentionKind = Literal["sdpa", "eager"]


def best_attention(network_class: Any) -> AttentionKind:
    """Returns the fastest kernel that a class of transformers offers everywhere."""
    return "sdpa" if getattr(network_class, "_supports_sdpa", False) else "eager"


def set_attention(network: nn.Module, kind: AttentionKind) -> None:
    """Switches the kernel of a transformers network in place; others have no such choice.

    Args:
        network: Any network.
        kind: `sdpa` (fused) or `eager` (plain matrix products).
    """
    switch = getattr(network, "set_attn_implementation", None)
    if switch is None or getattr(network.config, "_attn_implementation", kind) == kind:
        return
    if kind == "eager" or best_attention(type(network)) == kind:
        switch(kind)


def attention_of(network: nn.Module) -> AttentionKind:
    """Returns the kernel that the network runs on now; `sdpa` where it has no such choice."""
    kind = getattr(getattr(network, "config", None), "_attn_implementation", None)
    return "eager" if kind == "eager" else "sdpa"


def has_attention(network: nn.Module) -> bool:
    """Says whether the network's attention kernel can be chosen."""
    switch = getattr(network, "set_attn_implementation", None)
    return switch is not None and best_attention(type(network)) == "sdpa"
