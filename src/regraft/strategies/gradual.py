"""Makes phases that unfreeze the trunk from the top down, after the head.

Source: Howard and Ruder 2018, "Universal Language Model Fine-tuning for Text
Classification", section 3.3 (gradual unfreezing), arXiv 1801.06146.
"""

from dataclasses import dataclass

from regraft.backbones.chain import Chain
from regraft.strategies.options import check_options
from regraft.training.phase import Facts, Phase, layerwise_rates, on_features, start_rows


@dataclass(frozen=True)
class Gradual:
    """The head, then the upper blocks, then more of them, until all that may move does.

    The passes are shared out among the stages, the last one has what is left over; there
    are no more stages than passes, nor than blocks that may move.

    Args:
        stages: How often the line moves down.
    """

    stages: int = 3

    def __post_init__(self) -> None:
        fits = self.stages >= 1
        check_options("gradual", ("stages", self.stages, fits, "a whole number, at least 1"))

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        """Returns the phases `head`, `stage 1`, `stage 2` and so on."""
        top, lowest = len(chain.blocks), facts.start_line
        stages = max(1, min(self.stages, facts.epochs, top - lowest))
        each = facts.epochs // stages
        found = [on_features(chain, facts, rows=start_rows(facts.classes))]
        for stage in range(1, stages + 1):
            line = top - round((top - lowest) * stage / stages)
            epochs = each if stage < stages else facts.epochs - each * (stages - 1)
            rates = layerwise_rates(chain, line, rate=facts.rate, decay=facts.layer_decay)
            name = f"stage {stage}"
            found.append(Phase(name, line, epochs, facts.rate, rates, facts.weight_decay))
        return found
