"""Makes a sample of the training rows: enough for a head's start, cheap to pass."""

import numpy as np
import numpy.typing as npt

from regraft.draws import draws

Labels = npt.NDArray[np.int64]
FLOOR = 10
"""Rows that each class has in a sample, where it has as many: no class starts unseen."""


def sample_rows(labels: Labels, most: int, *, seed: int) -> Labels:
    """Returns the sorted indices of `most` rows, or of all where there are fewer.

    The first `FLOOR` rows of each class come first, then the others as drawn: the shares
    of the classes stay what they were, except for the rarest.

    Args:
        labels: (N,) class of each row.
        most: Rows wanted.
        seed: Of the run.

    >>> sample_rows(np.array([0, 0, 1, 0]), 4, seed=0)
    array([0, 1, 2, 3])
    """
    order = draws("sample", seed, epoch=0).permutation(len(labels))
    late = _ranks(labels[order]) >= FLOOR
    return np.sort(order[np.argsort(late, kind="stable")][:most])


def _ranks(labels: Labels) -> Labels:
    """Returns how many rows of its own class stand before each row."""
    order = np.argsort(labels, kind="stable")
    _, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    ranks = np.empty(len(labels), np.int64)
    ranks[order] = np.arange(len(labels)) - np.repeat(starts, counts)
    return ranks
