"""Estimates the classes' shares in the target with intervals; draws a source with them.

Source: none (regraft); the estimate is that of `proportions`, its interval a bootstrap over
the rows of both domains, widened to hold both ways of estimating. Where these disagree the estimate
stays with the source's shares, however the rows are drawn: that is no knowledge.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regraft.adaptation.domains import Shares
from regraft.adaptation.proportions import APART, both_estimates, proportions_at
from regraft.adaptation.shifting.held_out import Known
from regraft.scoring.intervals import Score, around
from regraft.training.heads.probe import Features

Indices = npt.NDArray[np.int64]
REPEATS = 100
MOST_ROWS = 2000
"""Rows of either domain that are drawn at a time: each costs a pass of both estimates."""


@dataclass(frozen=True)
class Priors:
    """Shares of the K classes.

    Args:
        source: (K,) as counted.
        target: K estimates.
        known: Whether the two ways of estimating agree so far that both count.
    """

    source: Shares
    target: tuple[Score, ...]
    known: bool = True

    @property
    def values(self) -> Shares:
        """(K,) the estimates."""
        return np.array([score.value for score in self.target])

    @property
    def differ(self) -> bool:
        """Whether a class's interval leaves its share in the source out."""
        pairs = zip(self.source.tolist(), self.target, strict=True)
        return any(not score.low <= share <= score.high for share, score in pairs)


def estimate_priors(known: Known, asked: Features, *, shares: Shares, seed: int) -> Priors:
    """Returns the shares of the classes in both domains.

    Args:
        known: Answers to labelled source rows.
        asked: (L, K) logits of target rows.
        shares: (K,) of the classes in the source.
        seed: Of the resamples.
    """
    generator, heat = np.random.default_rng(seed), known.temperature
    value = _estimate(known, asked, shares, heat)
    drawn = []
    for _ in range(REPEATS):
        rows = _drawn(len(known.labels), generator)
        again = Known(known.logits[rows], known.labels[rows])
        drawn.append(_estimate(again, asked[_drawn(len(asked), generator)], shares, heat))
    spread = _shrunk(known, asked) * (np.array(drawn) - value)
    low, high = np.percentile(value + spread, [2.5, 97.5], axis=0)
    raw = both_estimates(
        heat, known.logits, val_labels=known.labels, target_logits=asked, shares=shares
    )
    low, high = np.minimum(low, np.min(raw, axis=0)), np.maximum(high, np.max(raw, axis=0))
    ends = zip(low.tolist(), high.tolist(), strict=True)
    found = (around(one, pair) for one, pair in zip(value.tolist(), ends, strict=True))
    apart = float(np.abs(raw[0] - raw[1]).sum()) / 2
    return Priors(shares, tuple(found), apart < APART)


def rows_with_shares(labels: Indices, shares: Shares, *, seed: int) -> Indices:
    """Returns as many rows as can be taken once each so that the classes have these shares.

    Args:
        labels: (N,) classes.
        shares: (K,) wanted; a class without rows is passed over.
        seed: Of the rows that are taken.
    """
    generator = np.random.default_rng(seed)
    counts = np.bincount(labels, minlength=len(shares))
    wanted = np.where(counts > 0, shares, 0)
    total = float((counts[wanted > 0] / wanted[wanted > 0]).min())
    taken = [
        generator.permutation(np.flatnonzero(labels == number))[: int(total * share + 1e-9)]
        for number, share in enumerate(wanted.tolist())
    ]
    return np.concatenate(taken)


def _estimate(known: Known, asked: Features, shares: Shares, heat: float) -> Shares:
    return proportions_at(
        heat, known.logits, val_labels=known.labels, target_logits=asked, shares=shares
    )


def _shrunk(known: Known, asked: Features) -> float:
    """Returns sqrt(m / n): m rows that are drawn of n stray further than n rows would.

    Source: Bickel, Götze and van Zwet 1997, "Resampling fewer than n observations", Statistica
    Sinica 7. Of the two domains the larger share counts: an interval is rather too wide.
    """
    return math.sqrt(max(min(1.0, MOST_ROWS / len(each)) for each in (known.labels, asked)))


def _drawn(rows: int, generator: np.random.Generator) -> Indices:
    return generator.integers(0, rows, size=min(rows, MOST_ROWS))
