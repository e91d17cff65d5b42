"""Makes one phase: only the output layer moves, on features computed once.

Source: Alain and Bengio 2016, "Understanding intermediate layers using linear classifier
probes", arXiv 1610.01644 (linear probing of the last layer).
"""

from dataclasses import dataclass, replace

from regraft.backbones.chain import Chain
from regraft.training.phase import Facts, Phase, on_features


@dataclass(frozen=True)
class Head:
    """The whole trunk is frozen; the head is solved (linear) or trained (hidden layers).

    Args:
        refit: Whether a linear head, once the validation rows have chosen its penalty, is
            solved once more on these rows too. Their scores are those of the head before.
    """

    refit: bool = False

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        """Returns the phase `head`."""
        return [replace(on_features(chain, facts), refit=self.refit)]
