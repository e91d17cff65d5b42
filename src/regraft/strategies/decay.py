"""Makes one phase in which every matrix is made a little smaller after each step.

Source: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", arXiv
1711.05101, here without the learning rate as a factor; asked for by name in the text that
regraft starts from.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from regraft.backbones.chain import Chain
from regraft.strategies.options import check_options
from regraft.training.phase import Facts, Phase, all_moving, layerwise_rates


@dataclass(frozen=True)
class Decay:
    """Parameter decay: w ← (1 − r) · w after each step, whatever the learning rate is.

    Matrices that move shrink, in trunk and head; vectors (biases, norms) do not, as their
    size has nothing to do with fitting too closely. The norm of each step's gradient is in
    the records of every run, since the promise is one against gradients that vanish or
    explode.

    Args:
        rate: r of the top block, in [0, 1).
        head: r of the head, likewise; None = as the top block.
        layer: Factor on r from a block to the one below, in (0, 1].
    """

    rate: float = 1e-4
    head: float | None = None
    layer: float = 1.0
    whole: ClassVar[bool] = True
    rate_share: ClassVar[float] = 0.5
    least_batch: ClassVar[int] = 32  # r is of a step: more of them would shrink more

    def __post_init__(self) -> None:
        head, share = self.head or 0.0, "a number from 0 to below 1"
        check_options(
            "decay",
            ("rate", self.rate, 0 <= self.rate < 1, share),
            ("head", self.head, 0 <= head < 1, share),
            ("layer", self.layer, 0 < self.layer <= 1, "a number above 0, at most 1"),
        )

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        """Returns the phase `decay`."""
        moving = all_moving(chain, facts, name="decay", decay=1.0)
        blocks = layerwise_rates(chain, 0, rate=self.rate, decay=self.layer)
        head = self.rate if self.head is None else self.head
        return [replace(moving, shrink=(*blocks, head), weight_decay=0.0)]
