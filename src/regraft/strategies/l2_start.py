"""Makes two phases; in the second one the weights are pulled back to the pretrained ones.

Source: Li, Grandvalet and Davoine 2018, "Explicit Inductive Bias for Transfer Learning with
Convolutional Networks" (L2-SP), arXiv 1802.01483.
"""

import math
from dataclasses import dataclass, replace

from regraft.backbones.chain import Chain
from regraft.strategies.options import check_options
from regraft.training.phase import Facts, Phase, all_moving, on_features, start_rows


@dataclass(frozen=True)
class L2Start:
    """Ω(w) = α/2 · ‖w_trunk − w_pretrained‖² + β/2 · ‖w_head‖², equation 1 of the paper.

    It takes the place of the usual weight decay.

    Args:
        alpha: α.
        beta: β.
    """

    alpha: float = 0.01
    beta: float = 0.01

    def __post_init__(self) -> None:
        expected = "a number that is not below 0"
        check_options(
            "l2-start",
            ("alpha", self.alpha, 0 <= self.alpha < math.inf, expected),
            ("beta", self.beta, 0 <= self.beta < math.inf, expected),
        )

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        """Returns the phases `head` and `tune`."""
        head = on_features(chain, facts, rows=start_rows(facts.classes))
        tune = all_moving(chain, facts, name="tune", decay=facts.layer_decay)
        return [head, replace(tune, pull=(self.alpha, self.beta), weight_decay=0.0)]
