"""Makes a classifier of source rows and of target rows that it is sure of.

Source: Lee 2013, "Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method for
Deep Neural Networks"; the threshold of each class after Zou, Yu, Kumar and Wang 2018,
"Unsupervised Domain Adaptation for Semantic Segmentation via Class-Balanced Self-Training",
ECCV, arXiv 1810.07911: a class takes the surest share of the rows predicted as it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regraft.adaptation.domains import Adapted, Domains
from regraft.adaptation.scaling import Standardised, first_classifier, standardise_each
from regraft.adaptation.solver import balanced_rows, joined, solve
from regraft.scoring.metrics import softmax
from regraft.strategies.options import check_options
from regraft.training.heads.probe import Labelled


@dataclass(frozen=True)
class Pseudo:
    """Self-training in rounds, each of which takes more target rows.

    Args:
        shares: Share of the rows predicted as a class that each round takes at the least.
        threshold: Confidence from which a row is taken in any case.
        weight: Of all target rows that are taken, beside the source's.
    """

    shares: tuple[float, ...] = (0.2, 0.4, 0.6)
    threshold: float = 0.95
    weight: float = 1.0

    def __post_init__(self) -> None:
        share = "a number above 0, at most 1"
        check_options(
            "pseudo",
            ("threshold", self.threshold, 0 < self.threshold <= 1, share),
            ("shares", self.shares, all(0 < each <= 1 for each in self.shares), share),
        )

    def adapt(self, domains: Domains) -> Adapted:
        """Returns the classifier of the last round."""
        both = standardise_each(domains)
        weight, bias = first_classifier(domains, both)
        for share in self.shares:
            probabilities = softmax(both.target @ weight.T + bias)
            taken = surest(probabilities, share, threshold=self.threshold)
            labels = probabilities.argmax(axis=1)
            rows = Labelled(both.target[taken], labels[taken].astype(np.int64))
            weight, bias = self._solved(domains, both, rows)
        return both.adapted(weight, bias, strength=domains.start.strength)

    def _solved(
        self, domains: Domains, both: Standardised, taken: Labelled
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        source = Labelled(both.source, domains.source.labels)
        weights = balanced_rows(source.labels, domains.class_weights)
        # They come in the target's shares, not in the source's.
        guessed = balanced_rows(taken.labels, domains.weights_of(taken.labels))
        guessed *= self.weight * weights.sum() / max(guessed.sum(), 1e-9)
        return solve(
            joined(source, taken),
            domains.classes,
            strength=domains.start.strength,
            weights=np.concatenate([weights, guessed]),
        )


def surest(
    probabilities: npt.NDArray[np.float64], share: float, *, threshold: float
) -> npt.NDArray[np.bool_]:
    """Returns (L,) which rows are taken: the surest of each class, and all above a threshold.

    Args:
        probabilities: (L, K).
        share: Of the rows predicted as a class, in [0, 1].
        threshold: A confidence.
    """
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    taken: npt.NDArray[np.bool_] = confidence >= threshold
    for number in np.unique(predicted):
        rows = np.flatnonzero(predicted == number)
        order = np.argsort(-confidence[rows], kind="stable")
        taken[rows[order[: int(np.ceil(share * len(rows)))]]] = True
    return taken
