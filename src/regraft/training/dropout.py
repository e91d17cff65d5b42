"""Decides how much a network drops in training, whatever its library's default."""

from torch import nn

from regraft.backbones.graft import Grafted

NAMES = ("attention_dropout", "attn_dropout", "dropout_prob", "dropout", "drop_prob")
"""Attributes in which attention modules keep a share instead of a dropout module."""


BRANCHES = "StochasticDepth"
"""Name of torchvision's module that leaves out whole branches."""


def apply_dropout(network: Grafted, share: float) -> None:
    """Sets every dropout of the network, in place.

    Args:
        network: Trunk and head.
        share: Share of values dropped in training, in [0, 1).
    """
    for module in network.modules():
        # torchvision leaves out whole branches; its class is not imported for its name alone.
        if isinstance(module, nn.modules.dropout._DropoutNd) or type(module).__name__ == BRANCHES:
            setattr(module, "p", share)  # noqa: B010 - not declared on modules
        for name in NAMES:
            if isinstance(module.__dict__.get(name), float):
                setattr(module, name, share)
