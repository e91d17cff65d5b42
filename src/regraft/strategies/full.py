"""Makes one phase: everything moves at one rate from the first step.

Source: Devlin, Chang, Lee and Toutanova 2019, "BERT: Pre-training of Deep Bidirectional
Transformers for Language Understanding", section 3.2 (fine-tuning), arXiv 1810.04805.
"""

from dataclasses import dataclass

from regraft.backbones.chain import Chain
from regraft.training.phase import Facts, Phase, layerwise_rates


@dataclass(frozen=True)
class Full:
    """Full fine-tuning: head and trunk together at one rate, without layer-wise decay."""

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        """Returns the phase `full`."""
        rates = layerwise_rates(chain, facts.start_line, rate=facts.rate, decay=1.0)
        return [
            Phase("full", facts.start_line, facts.epochs, facts.rate, rates, facts.weight_decay)
        ]
