"""Defines two domains as features, and what a method makes of them.

Source: none (regraft).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from regraft.losses.cross_entropy import balanced_weights
from regraft.training.heads.probe import Features, Labelled, LinearProbe

Labels = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Domains:
    """A labelled source and an unlabelled target, as features of one frozen trunk.

    Args:
        source: N rows with labels, which train; the last ones may be of the target.
        val: M other rows of the source with labels, which judge; may be none.
        target: (L, D) features of rows whose labels nobody knows here.
        start: The source-only classifier.
        proportions: (K,) estimate of the classes' shares in the target, all above 0.
        class_weights: (K,) weights of the source rows' classes in the loss, so that all count the
            same; None = equal ones.
        seed: Of everything random.
        lent: How many of the last source rows are labelled rows of the target.
    """

    source: Labelled
    val: Labelled
    target: Features
    start: LinearProbe
    proportions: Shares
    class_weights: Features | None = None
    seed: int = 0
    lent: int = 0

    @property
    def own(self) -> slice:
        """Which of the source rows are the source's own: domains are compared with these."""
        return slice(0, len(self.source.labels) - self.lent)

    @property
    def lent_rows(self) -> slice:
        """Which of the source rows are of the target."""
        return slice(len(self.source.labels) - self.lent, None)

    @property
    def classes(self) -> int:
        """K."""
        return len(self.start.bias)

    @property
    def judging(self) -> Labelled:
        """The source rows on which a classifier is scored: the training ones if need be."""
        return self.val if len(self.val.labels) else self.source

    @property
    def row_weights(self) -> Features:
        """(N,) weights under which the source's own classes have the target's proportions.

        Their mean over its own rows is 1. What compares the two domains would otherwise take a
        difference of proportions for a shift, and move one class onto another.
        """
        shares = shares_of(self.source.labels[self.own], classes=self.classes)
        ratios = self.proportions / np.maximum(shares, 1e-12)
        weights = ratios[self.source.labels]
        return np.asarray(weights / weights[self.own].mean(), np.float32)

    @property
    def drawn_weights(self) -> Features | None:
        """(K,) weights of the classes where own rows come by `row_weights`, lent ones as they are.

        None where the classes have none.
        """
        times = self.row_weights
        times[self.lent_rows] = 1
        return self.weights_of(self.source.labels, times=times)

    def weights_of(self, labels: Labels, *, times: Features | None = None) -> Features | None:
        """Returns (K,) weights under which the classes of some rows count the same, if they shall.

        Balanced are classes by the rows that a loss really sees. The weights 1 / (K p) of the
        source's shares p, on rows that come in other shares q, would let a class count q / p.

        Args:
            labels: (N,) of the rows.
            times: (N,) how often each comes; None = once.
        """
        if self.class_weights is None:
            return None
        return balanced_weights(labels, self.classes, times=times)


@dataclass(frozen=True)
class Adapted:
    """One classifier as it reads either domain.

    Args:
        on_source: For source features: what its accuracy there is measured with.
        on_target: For target features: what is kept.
    """

    on_source: LinearProbe
    on_target: LinearProbe


class Method(Protocol):
    """Makes a classifier for the target; one file each under `adaptation`."""

    def adapt(self, domains: Domains) -> Adapted:
        """Returns the classifier."""


def shares_of(labels: Labels, *, classes: int) -> Shares:
    """Returns (K,) the share of each class in (N,) labels.

    >>> shares_of(np.array([0, 0, 1, 0]), classes=2)
    array([0.75, 0.25])
    """
    return np.asarray(np.bincount(labels, minlength=classes) / max(len(labels), 1))
