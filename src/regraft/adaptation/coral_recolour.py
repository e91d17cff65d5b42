"""Makes a classifier of source rows that were given the target's covariance.

Source: Sun, Feng and Saenko 2016, "Return of Frustratingly Easy Domain Adaptation" (CORAL),
AAAI, algorithm 1, arXiv 1511.05547: D*_S = D_S (C_S + λ I)^(−1/2) (C_T + λ I)^(1/2).
"""

import math
from dataclasses import dataclass

import numpy as np

from regraft.adaptation.domains import Adapted, Domains
from regraft.adaptation.moments import covariance, recolouring
from regraft.adaptation.scaling import standardise_each
from regraft.adaptation.solver import balanced_rows, solve
from regraft.strategies.options import check_options
from regraft.training.heads.probe import Labelled, LinearProbe


@dataclass(frozen=True)
class CoralRecolour:
    """Whitening and recolouring in closed form, then a linear classifier.

    Args:
        ridge: λ, in variances of a standardised feature; 1 is the paper's.
    """

    ridge: float = 1.0

    def __post_init__(self) -> None:
        fits = 0 < self.ridge < math.inf
        check_options("coral-recolour", ("ridge", self.ridge, fits, "a number above 0"))

    def adapt(self, domains: Domains) -> Adapted:
        """Returns the classifier of recoloured rows; for source rows with the map in it."""
        both = standardise_each(domains)
        own = domains.own
        turn = recolouring(
            covariance(both.source[own], domains.row_weights[own]),
            covariance(both.target),
            ridge=self.ridge,
        ).astype(np.float32)
        strength = domains.start.strength
        # Labelled rows of the target, where there are some, have its colours already.
        rows = np.concatenate([both.source[own] @ turn, both.source[domains.lent_rows]])
        weight, bias = solve(
            Labelled(rows, domains.source.labels),
            domains.classes,
            strength=strength,
            weights=balanced_rows(domains.source.labels, domains.class_weights),
        )
        source, target = both.source_scaling, both.target_scaling
        return Adapted(
            LinearProbe(source.shift, source.scale, weight @ turn.T, bias, strength),
            LinearProbe(target.shift, target.scale, weight, bias, strength),
        )
