"""Makes one phase: everything moves at one rate from the first step.

Source: Devlin, Chang, Lee and Toutanova 2019, "BERT: Pre-training of Deep Bidirectional
Transformers for Language Understanding", section 3.2 (fine-tuning), arXiv 1810.04805.
"""

from dataclasses import dataclass
from typing import ClassVar

from regraft.backbones.chain import Chain
from regraft.training.phase import Facts, Phase, all_moving


@dataclass(frozen=True)
class Full:
    """Full fine-tuning: head and trunk together at one rate, without layer-wise decay.

    Beside a fresh head and without layer-wise decay the trunk is spoilt sooner: hence half
    of the usual rate.
    """

    whole: ClassVar[bool] = True
    rate_share: ClassVar[float] = 0.5

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        """Returns the phase `full`."""
        return [all_moving(chain, facts, name="full", decay=1.0)]
