"""Makes features whose covariances in both domains are near.

Source: Sun and Saenko 2016, "Deep CORAL: Correlation Alignment for Deep Domain
Adaptation", arXiv 1607.01719: L = L_y + w ‖C_S − C_T‖²_F / (4 D²).
"""

from dataclasses import dataclass

from torch import Tensor

from regraft.adaptation.domains import Adapted, Domains
from regraft.adaptation.residual import GENTLE, Pace, Pair, learn_map
from regraft.losses.coral import coral
from regraft.strategies.options import check_options


@dataclass(frozen=True)
class Coral:
    """The distance of the covariances is made small, beside the loss of the source.

    Args:
        weight: w.
        pace: How the map is trained.
    """

    weight: float = 1.0
    pace: Pace = GENTLE

    def __post_init__(self) -> None:
        rows = self.pace.rows
        check_options("coral", ("rows", rows, rows >= 2, "a whole number, at least 2"))

    def adapt(self, domains: Domains) -> Adapted:
        """Returns map and classifier in one."""

        def term(pair: Pair) -> Tensor:
            return self.weight * coral(pair.source, pair.target)

        return learn_map(domains, term, pace=self.pace)
