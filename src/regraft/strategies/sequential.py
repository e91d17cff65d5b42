"""Makes phases that fit the target's rows first, then rows of a source mixed in.

Source: Phang, Févry and Bowman 2018, "Sentence Encoders on STILTs", arXiv 1811.01088
(supplementary training on another labelled task), in the order of the text that regraft
starts from: the target first. Caruana 1997, "Multitask Learning" (one head a task).
"""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from regraft.backbones.chain import Chain
from regraft.strategies.options import check_options
from regraft.training.phase import Facts, Phase, all_moving, on_features, start_rows


@dataclass(frozen=True)
class Sequential:
    """Target data first, then target and source together, for few rows of the target.

    A source with the same classes shares the head. One with others has a head of its own
    while training, which goes at the end: the trunk is what both share.

    Args:
        ratio: Rows of the source for each row of the target, drawn anew in each pass.
        final_target: Whether the target alone has the last word, for half of the passes.
    """

    ratio: float = 2.0
    final_target: bool = False
    needs_source: ClassVar[bool] = True

    def __post_init__(self) -> None:
        fits = 0 < self.ratio < math.inf
        check_options("sequential", ("ratio", self.ratio, fits, "a number above 0"))

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        """Returns the phases `head`, `target`, `mixed` and perhaps `final`."""
        head = on_features(chain, facts, rows=start_rows(facts.classes))
        target = all_moving(chain, facts, name="target", decay=facts.layer_decay)
        mixed = replace(target, name="mixed", mix=self.ratio)
        final = replace(target, name="final", epochs=max(1, facts.epochs // 2))
        return [head, target, mixed, *([final] if self.final_target else [])]
