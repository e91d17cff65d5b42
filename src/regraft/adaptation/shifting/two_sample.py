"""Decides whether two samples of features have one distribution, by telling them apart.

Source: Lopez-Paz and Oquab 2017, "Revisiting Classifier Two-Sample Tests", ICLR, arXiv
1610.06545. Two differences (regraft): every row is judged by a classifier that has not seen
it, in folds; and chance is what the same folds come to where the domains' names are permuted
(Golland and Fischl 2003), as accuracies over folds are not binomial. The classifier is ridge
regression on the names: its answers to all permutations are one product of matrices.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regraft.adaptation.scaling import scaling_of
from regraft.scoring.intervals import Score, wilson
from regraft.training.heads.probe import Features

Indices = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint8]
LEVEL = 0.01
"""Share of pairs without a shift that are called one."""
PERMUTATIONS = 499
MOST_ROWS = 2000
"""Rows of a domain that are told apart: with them 53 % right is more than chance."""
FOLDS = 5
FEWEST = 7
"""Different rows of a domain from which a shift can be seen: of fewer, names that are permuted in
folds of one or two rows are the real ones, or these turned round, in more than `LEVEL` of all."""
RIDGE = 0.1
"""The penalty, as a share of the rows: standardised features have a variance of 1."""


@dataclass(frozen=True)
class Sample:
    """Rows of one domain.

    Args:
        features: (N, D).
        keys: (N, B) bytes that are equal where the contents are.
    """

    features: Features
    keys: Keys

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: Indices) -> "Sample":
        """Returns new rows in the order of `rows`."""
        return Sample(self.features[rows], self.keys[rows])


@dataclass(frozen=True)
class TwoSample:
    """What telling two domains apart came to.

    Args:
        accuracy: Of the domain classifier on rows that it has not seen, 0.5 by chance.
        chance: (P,) the same where the names of the domains were permuted.
        rows: Different ones of each domain.
    """

    accuracy: Score
    chance: Floats
    rows: int

    @property
    def p_value(self) -> float:
        """The share of permutations that are as good, the real names among them."""
        as_good = int((self.chance >= self.accuracy.value - 1e-9).sum())
        return (1 + as_good) / (1 + len(self.chance))

    @property
    def enough(self) -> bool:
        """Whether there are different rows enough to see any shift."""
        return self.rows >= FEWEST

    @property
    def shift(self) -> bool:
        """Whether chance does not explain the accuracy."""
        return self.enough and self.p_value <= LEVEL


def two_sample(source: Sample, target: Sample, *, seed: int) -> TwoSample:
    """Returns how well two domains are told apart, beside what chance would do.

    As many rows of both are drawn, and of these equal ones count once: a classifier would know
    them by heart, and more rows have more of the rare contents. Contents that both domains have
    are judged in one fold and keep both names in all permutations, so that exactly half of these
    rows is right.

    Args:
        source: N rows.
        target: L rows.
        seed: Of the rows that are drawn, the folds and the permutations.
    """
    generator = np.random.default_rng(seed)
    drawn = min(len(source), len(target))
    first, second = (_distinct(each, drawn, generator) for each in (source, target))
    rows = min(len(first), len(second), MOST_ROWS)
    pooled = np.concatenate([first.features[:rows], second.features[:rows]])
    features = scaling_of(pooled).apply(pooled).astype(np.float64)
    names = np.repeat([-1.0, 1.0], rows)
    folds, shared = _folds(first.keys[:rows], second.keys[:rows])
    columns = [names, *(_permuted(names, folds, shared, generator) for _ in range(PERMUTATIONS))]
    right = _right(features, np.stack(columns, axis=1), folds=folds).mean(axis=0)
    found = wilson(round(float(right[0]) * 2 * rows), 2 * rows)
    return TwoSample(found, right[1:], rows)


def _distinct(sample: Sample, rows: int, generator: np.random.Generator) -> Sample:
    """Returns one row of each content among so many rows, in random order."""
    drawn = generator.permutation(len(sample))[:rows]
    first = np.unique(sample.keys[drawn], axis=0, return_index=True)[1]
    return sample.take(drawn[generator.permutation(first)])


def _folds(first: Keys, second: Keys) -> tuple[Indices, npt.NDArray[np.bool_]]:
    """Returns each row's fold, and whether the other domain has its content too.

    Equally many rows of both domains are in each fold, and contents of both in the same one.
    """
    pooled = np.concatenate([first, second])
    numbers = np.unique(pooled, axis=0, return_inverse=True)[1].reshape(-1)
    shared = np.bincount(numbers)[numbers] > 1
    folds = np.zeros(len(pooled), np.int64)
    for half in np.split(np.arange(len(pooled)), 2):
        # Shared rows come first, in the order of their numbers, which both halves have.
        ordered = half[np.lexsort((np.where(shared[half], numbers[half], 0), ~shared[half]))]
        folds[ordered] = np.arange(len(ordered)) % FOLDS
    return folds, shared


def _permuted(
    names: Floats,
    folds: Indices,
    shared: npt.NDArray[np.bool_],
    generator: np.random.Generator,
) -> Floats:
    """Returns the names permuted within each fold, so that all folds stay balanced."""
    found = names.copy()
    for fold in range(FOLDS):
        free = np.flatnonzero((folds == fold) & ~shared)
        found[free] = names[generator.permutation(free)]
    return found


def _right(features: Floats, names: Floats, *, folds: Indices) -> Floats:
    """Returns (M, P) 1 where the sign of ridge regression is the name's, ½ where it has none.

    Args:
        features: (M, D) standardised.
        names: (M, P) −1 or 1; each column sums to nil in each fold.
        folds: (M,).
    """
    right = np.full(names.shape, 0.5)
    for fold in np.unique(folds):
        held = folds == fold
        said = _ridge(features[~held], names[~held], asked=features[held])
        right[held] = (1 + np.sign(said * names[held])) / 2
    return right


def _ridge(features: Floats, names: Floats, *, asked: Floats) -> Floats:
    """Returns (A, P) answers to asked rows, by normal equations on the shorter side."""
    rows, width = features.shape
    penalty = RIDGE * rows
    if width <= rows:
        inner = features.T @ features + penalty * np.eye(width)
        return np.asarray(asked @ np.linalg.solve(inner, features.T @ names))
    outer = features @ features.T + penalty * np.eye(rows)
    return np.asarray(asked @ (features.T @ np.linalg.solve(outer, names)))
