"""Compares two domains: whether they differ, in proportions alone or not, what that costs."""

from dataclasses import dataclass, replace

import numpy as np

from regraft.adaptation.domains import shares_of
from regraft.adaptation.proportions import unweighted
from regraft.adaptation.shifting.estimate import Estimate, estimate_accuracy
from regraft.adaptation.shifting.priors import Priors, estimate_priors, rows_with_shares
from regraft.adaptation.shifting.two_sample import Sample, TwoSample, two_sample
from regraft.runs.shifting.gathered import Gathered

FEWEST = 50
"""Rows of a domain from which it is said that only proportions differ: fewer find nothing."""
LEAST = 0.5
"""Share of the rows that told a shift, from which it is said that it is one of proportions."""


@dataclass(frozen=True)
class Comparison:
    """What comparing two domains came to.

    Args:
        told: How well they are told apart.
        evened: The same with source rows in the target's proportions; None where there is
            no shift, or no class has another share, or too few rows are left.
        priors: Shares of the classes.
        estimate: Of source-only's accuracy on the target.
        tested: Whether it is known if the shift is one of proportions alone: nothing is evened
            too where the estimates agree that no class has another share: then it is none.
    """

    told: TwoSample
    evened: TwoSample | None
    priors: Priors
    estimate: Estimate
    tested: bool

    @property
    def only_proportions(self) -> bool:
        """Whether the domains are alike but for the shares of their classes."""
        return self.evened is not None and not self.evened.shift


def compare_domains(gathered: Gathered, *, seed: int) -> Comparison:
    """Returns how the target differs from the source.

    Args:
        gathered: Features of both.
        seed: Of everything random.
    """
    told = two_sample(gathered.source, gathered.target, seed=seed)
    classes = gathered.recipe.classes
    asked = gathered.start.logits(gathered.target.features)
    shares = shares_of(gathered.labels, classes=classes)
    weights = gathered.recipe.class_weights
    natural = replace(gathered.known, logits=unweighted(gathered.known.logits, weights))
    priors = estimate_priors(natural, unweighted(asked, weights), shares=shares, seed=seed)
    estimate = estimate_accuracy(
        (gathered.labelled, gathered.folds),
        (gathered.known, gathered.known_features),
        target=(asked, gathered.target.features),
        recipe=gathered.recipe,
        seed=seed,
    )
    evened = _evened(gathered, priors, told, seed) if told.shift and priors.differ else None
    few = min(len(gathered.source), len(gathered.target)) < FEWEST
    same_shares = told.shift and priors.known and not (priors.differ or few)
    return Comparison(told, evened, priors, estimate, evened is not None or same_shares)


def _evened(gathered: Gathered, priors: Priors, told: TwoSample, seed: int) -> TwoSample | None:
    """Returns how well the target is told from source rows in its shares, if enough are left.

    Where most of the rows that told the shift are gone, none may be found for want of rows.
    """
    rows = rows_with_shares(gathered.labels, priors.values, seed=seed)
    if min(len(rows), len(gathered.target)) < FEWEST:
        return None
    some: Sample = gathered.source.take(np.sort(rows))
    found = two_sample(some, gathered.target, seed=seed)
    return found if found.enough and found.rows >= LEAST * told.rows else None
