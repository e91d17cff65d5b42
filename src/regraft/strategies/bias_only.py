"""Makes any strategy move the trunk's biases alone.

Source: Ben Zaken, Goldberg and Ravfogel 2022, "BitFit: Simple Parameter-efficient
Fine-tuning for Transformer-based Masked Language-models", arXiv 2106.10199.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from regraft.freezing.line import Above
from regraft.freezing.patterns import all_but
from regraft.training.phase import Phase


@dataclass(frozen=True)
class BiasOnly:
    """Biases of every layer move, and the head; all other weights stand still.

    So few weights have to go further: at five times the usual rate.
    """

    rate_share: ClassVar[float] = 5.0

    def change(self, phases: list[Phase]) -> list[Phase]:
        """Returns the phases as they are."""
        return phases

    def held(self, trunk: nn.Module) -> Above:
        """Returns everything but the biases.

        Raises:
            SettingsError: If the trunk has none.
        """
        names = (name for name, _ in trunk.named_parameters())
        moving = {name for name in names if name.rpartition(".")[2].endswith("bias")}
        return all_but(trunk, moving, word="+bias-only")
