"""Makes one phase in which everything, trunk and head, starts from random weights.

Source: He, Girshick and Dollár 2019, "Rethinking ImageNet Pre-training", arXiv 1811.08883:
what is learnt without transfer, with which transfer has to be compared.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from regraft.backbones.chain import Chain
from regraft.training.phase import Facts, Phase, all_moving


@dataclass(frozen=True)
class Scratch:
    """The same network without its pretraining: random weights, as its library draws them."""

    whole: ClassVar[bool] = True

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        """Returns the phase `scratch`."""
        return [replace(all_moving(chain, facts, name="scratch", decay=1.0), fresh=True)]
