"""Makes two phases: the head on a frozen trunk, then the trunk with decayed rates.

Source: Kumar, Raghunathan, Jones, Ma and Liang 2022, "Fine-Tuning can Distort Pretrained
Features and Underperform Out-of-Distribution" (LP-FT), arXiv 2202.10054.
"""

from dataclasses import dataclass

from regraft.backbones.chain import Chain
from regraft.training.phase import Facts, Phase, all_moving, on_features, start_rows


@dataclass(frozen=True)
class TwoStage:
    """Linear probing, then fine-tuning.

    A fresh head's gradients are random and would spoil the pretrained features; so the
    head is trained first, alone. Then every block above the facts' start line moves, the
    lower ones at layer-wise decayed rates.
    """

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        """Returns the phases `head` and `tune`."""
        head = on_features(chain, facts, rows=start_rows(facts.classes))
        return [head, all_moving(chain, facts, name="tune", decay=facts.layer_decay)]
