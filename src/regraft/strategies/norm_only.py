"""Makes any strategy move the trunk's norm layers alone.

Source: Frankle, Schwab and Morcos 2021, "Training BatchNorm and Only BatchNorm: On the
Expressive Power of Random Features in CNNs", arXiv 2003.00152.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from regraft.freezing.line import Above
from regraft.freezing.patterns import all_but, is_norm
from regraft.training.phase import Phase


@dataclass(frozen=True)
class NormOnly:
    """Scales and shifts of the norm layers move, and the head; all else stands still.

    So few weights have to go further: at five times the usual rate.
    """

    rate_share: ClassVar[float] = 5.0

    def change(self, phases: list[Phase]) -> list[Phase]:
        """Returns the phases as they are."""
        return phases

    def held(self, trunk: nn.Module) -> Above:
        """Returns everything but the norm layers.

        Raises:
            SettingsError: If the trunk has none.
        """
        norms = {path for path, module in trunk.named_modules() if is_norm(module)}
        names = (name for name, _ in trunk.named_parameters())
        moving = {name for name in names if name.rpartition(".")[0] in norms}
        return all_but(trunk, moving, word="+norm-only")
