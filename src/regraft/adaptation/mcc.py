"""Makes features on which the classifier does not confuse the target's classes.

Source: Jin, Wang, Long and Wang 2020, "Minimum Class Confusion for Versatile Domain
Adaptation" (MCC), ECCV, arXiv 1912.03699: L = L_y + w L_MCC(Z_T), temperature 2.5.
"""

from dataclasses import dataclass

from torch import Tensor

from regraft.adaptation.domains import Adapted, Domains
from regraft.adaptation.residual import USUAL, Pace, Pair, learn_map
from regraft.losses.class_confusion import TEMPERATURE, class_confusion
from regraft.strategies.options import check_options


@dataclass(frozen=True)
class Mcc:
    """The confusion between classes on the target is made small, beside the source's loss.

    Args:
        weight: w.
        temperature: T of the target's predictions.
        pace: How the map is trained.
    """

    weight: float = 1.0
    temperature: float = TEMPERATURE
    pace: Pace = USUAL

    def __post_init__(self) -> None:
        fits = self.temperature > 0
        check_options("mcc", ("temperature", self.temperature, fits, "a number above 0"))

    def adapt(self, domains: Domains) -> Adapted:
        """Returns map and classifier in one."""

        def term(pair: Pair) -> Tensor:
            return self.weight * class_confusion(pair.target_logits, temperature=self.temperature)

        return learn_map(domains, term, pace=self.pace)
