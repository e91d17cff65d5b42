"""Makes one phase: everything moves at once, the lower the slower.

Source: Howard and Ruder 2018, "Universal Language Model Fine-tuning for Text
Classification", section 3.2 (discriminative fine-tuning), arXiv 1801.06146.
"""

from dataclasses import dataclass
from typing import ClassVar

from regraft.backbones.chain import Chain
from regraft.strategies.options import check_options
from regraft.training.phase import Facts, Phase, all_moving


@dataclass(frozen=True)
class Layerwise:
    """Rates that fall from block to block: η of a block = decay · η of the one above.

    Args:
        decay: In (0, 1]; None = the usual one, by which the lowest block's rate is a set share.
    """

    decay: float | None = None
    rate_share: ClassVar[float] = 0.5

    def __post_init__(self) -> None:
        fits = self.decay is None or 0 < self.decay <= 1
        check_options("layerwise", ("decay", self.decay, fits, "a number above 0, at most 1"))

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        """Returns the phase `layerwise`."""
        decay = facts.layer_decay if self.decay is None else self.decay
        return [all_moving(chain, facts, name="layerwise", decay=decay)]
