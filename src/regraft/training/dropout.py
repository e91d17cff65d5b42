"""Decides how much a network drops in training, whatever its library's default."""

from torch import nn

from regraft.backbones.graft import Grafted

NAMES = ("attention_dropout", "attn_dropout", "dropout_prob", "dropout", "drop_prob")
"""Attributes in which attention modules keep a share instead of a dropout module."""


def apply_dropout(network: Grafted, share: float) -> None:
    """Sets every dropout of the network, in place.

    Args:
        network: Trunk and head.
        share: Share of values dropped in training, in [0, 1).
    """
    for module in network.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = share
        for name in NAMES:
            if isinstance(module.__dict__.get(name), float):
                setattr(module, name, share)
