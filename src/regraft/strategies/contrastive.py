"""Makes two phases: pairs of rows draw together or apart, then a head on the features.

Source: Tunstall, Reimers, Jo, Bates, Korat, Wasserblat and Pereg 2022, "Efficient Few-Shot
Learning Without Prompts" (SetFit), arXiv 2209.11055.
"""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from regraft.backbones.chain import Chain
from regraft.strategies.options import check_options
from regraft.training.phase import Facts, Phase, layerwise_rates, on_features


@dataclass(frozen=True)
class Contrastive:
    """For few labels: rows of one class become alike, rows of two classes unlike.

    The paper draws pairs and passes both rows of each. Here all pairs of a batch are taken
    at once, so that a row is passed once for many pairs.

    Args:
        times: Passes for each pass of the other strategies: pairs are many where rows are few.
        share: Of the usual rate.
    """

    times: int = 3
    share: float = 0.5

    least_batch: ClassVar[int] = 32  # whose pairs are 500; those of 8 rows would be 28

    def __post_init__(self) -> None:
        check_options(
            "contrastive",
            ("times", self.times, 1 <= self.times <= 100, "a whole number from 1 to 100"),
            ("share", self.share, 0 < self.share < math.inf, "a number above 0"),
        )

    @property
    def rate_share(self) -> float:
        """Share of the usual rate; one that was typed is taken as it is."""
        return self.share

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        """Returns the phases `pairs` and `head`."""
        rate, line = facts.rate, facts.start_line
        rates = layerwise_rates(chain, line, rate=rate, decay=facts.layer_decay)
        epochs = self.times * facts.epochs
        pairs = Phase("pairs", line, epochs, rate, rates, facts.weight_decay)
        return [replace(pairs, loss="pairs"), on_features(chain, facts)]
