"""Makes two phases: the head, then chosen blocks alone, wherever in the trunk they lie.

Source: Lee, Chen, Tajwar, Kumar, Yao, Liang and Finn 2023, "Surgical Fine-Tuning Improves
Adaptation to Distribution Shifts", arXiv 2210.11466.
"""

import re
from dataclasses import dataclass, replace
from typing import ClassVar

from regraft.backbones.chain import Chain
from regraft.errors import SettingsError
from regraft.training.phase import Facts, Phase, layerwise_rates, on_features, start_rows

THIRDS = ("first", "middle", "last")


@dataclass(frozen=True)
class Surgical:
    """Some blocks move, those below and above them stand still.

    The paper: what differs in the input asks for the first blocks, what differs in the
    features for the middle ones, what differs in the classes for the last ones.

    Args:
        blocks: `first`, `middle` or `last` (a third of the trunk each), a number, or `A-B`.
    """

    blocks: str = "last"
    whole: ClassVar[bool] = True

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        """Returns the phases `head` and `surgery`.

        Raises:
            SettingsError: If the blocks are not in the trunk, or shall stay frozen.
        """
        low, high = self._span(len(chain.blocks))
        if low < facts.start_line:
            raise SettingsError(
                f"surgical:blocks={self.blocks} begins with block {low}, and the lowest "
                f"{facts.start_line} blocks shall stay frozen",
                hint=f"--freeze {low}",
            )
        whole = layerwise_rates(chain, low, rate=facts.rate, decay=facts.layer_decay)
        rates = tuple(rate if number < high else 0.0 for number, rate in enumerate(whole))
        surgery = Phase("surgery", low, facts.epochs, facts.rate, rates, facts.weight_decay)
        above = frozenset(range(high, len(chain.blocks)))
        head = on_features(chain, facts, rows=start_rows(facts.classes))
        return [head, replace(surgery, still=above)]

    def _span(self, top: int) -> tuple[int, int]:
        """Returns the first block that moves, and the one after the last."""
        if self.blocks in THIRDS:
            third = THIRDS.index(self.blocks)
            low = min(round(top * third / 3), top - 1)
            return low, max(round(top * (third + 1) / 3), low + 1)
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", self.blocks)
        low, high = (int(found[1]), int(found[2] or found[1]) + 1) if found else (0, 0)
        if not low < high <= top:
            raise SettingsError(
                f"surgical:blocks={self.blocks} cannot be used: the network has {top} blocks",
                expected=f"first, middle, last, or numbers such as 0-{min(2, top - 1)}",
                hint="regraft plan lists the blocks",
            )
        return low, high
