"""Makes any strategy end between its start and its end, where validation likes it best.

Source: Wortsman, Ilharco, Kim and others 2022, "Robust fine-tuning of zero-shot models"
(WiSE-FT), arXiv 2109.01903.
"""

from dataclasses import dataclass, replace

from torch import nn

from regraft.freezing.line import NOTHING, Above
from regraft.training.phase import Phase


@dataclass(frozen=True)
class Average:
    """θ = (1 − α) · θ_start + α · θ_end, equation 1 of the paper, α from validation rows.

    θ_start is the pretrained trunk with the head as it was before the trunk moved. α is the best of
    several on validation rows, so that their score of what is kept is a little too good.
    """

    def change(self, phases: list[Phase]) -> list[Phase]:
        """Returns the phases, the last of which averages when it has ended."""
        return [*phases[:-1], replace(phases[-1], average=True)]

    def held(self, trunk: nn.Module) -> Above:
        """Returns nothing."""
        del trunk
        return NOTHING
