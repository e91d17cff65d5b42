"""Makes two phases: the head on a frozen trunk, then the trunk with decayed rates.

Source: Kumar, Raghunathan, Jones, Ma and Liang 2022, "Fine-Tuning can Distort Pretrained
Features and Underperform Out-of-Distribution" (LP-FT), arXiv 2202.10054.
"""

from dataclasses import dataclass

from regraft.backbones.chain import Chain
from regraft.training.phase import Facts, Phase, layerwise_rates

START_ROWS = 2048
"""Rows from which the head's start is solved: more are not felt after the first epoch."""
START_ROWS_A_CLASS = 20


@dataclass(frozen=True)
class TwoStage:
    """Linear probing, then fine-tuning.

    A fresh head's gradients are random and would spoil the pretrained features; so the
    head is trained first, alone. Then every block above the facts' start line moves, the
    lower ones at layer-wise decayed rates.
    """

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        """Returns the phases `head` and `tune`."""
        top = len(chain.blocks)
        still = (0.0,) * top
        head = Phase(
            "head",
            top,
            facts.head_epochs,
            facts.head_rate,
            still,
            facts.weight_decay,
            rows=max(START_ROWS, START_ROWS_A_CLASS * facts.classes),
        )
        rates = layerwise_rates(chain, facts.start_line, rate=facts.rate, decay=facts.layer_decay)
        tune = Phase("tune", facts.start_line, facts.epochs, facts.rate, rates, facts.weight_decay)
        return [head, tune]
