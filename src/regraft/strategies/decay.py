"""Makes one phase in which every matrix is made a little smaller after each step.

Source: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", arXiv
1711.05101, here without the learning rate as a factor; asked for by name in the text that
regraft starts from.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from regraft.backbones.chain import Chain
from regraft.errors import SettingsError
from regraft.training.phase import Facts, Phase, all_moving


@dataclass(frozen=True)
class Decay:
    """Parameter decay: w ← (1 − r) · w after each step, whatever the learning rate is.

    Matrices that move shrink, in trunk and head; vectors (biases, norms) do not, as their
    size has nothing to do with fitting too closely. The norm of each step's gradient is in
    the records of every run, since the promise is one against gradients that vanish or
    explode.

    Args:
        rate: r, in [0, 1).
    """

    rate: float = 1e-4
    whole: ClassVar[bool] = True
    rate_share: ClassVar[float] = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise SettingsError(
                f"decay:rate={self.rate} cannot be used", expected="a number from 0 to below 1"
            )

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        """Returns the phase `decay`."""
        moving = all_moving(chain, facts, name="decay", decay=1.0)
        return [replace(moving, shrink=self.rate, weight_decay=0.0)]
