"""Makes the order of the rows of an epoch, as batches of like length, from a seed."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from regraft.draws import draws

WINDOW = 40
"""Batches' worth of rows sorted together: little padding, and still a random order."""
TOGETHER = 4
"""Rows of a class that stand together where pairs are looked at."""
SPREAD = 2
"""A batch of short rows may hold this many times the usual number of rows."""
WARM = 2048
"""Tokens whose activations a processor's cache holds, about: those of a longer batch go through
memory twice, and its step takes longer. Smaller pieces are slower again."""


def epoch_batches(
    lengths: npt.NDArray[np.int64], batch_size: int, *, seed: int, epoch: int
) -> list[npt.NDArray[np.int64]]:
    """Returns the batches of one epoch; every row is in exactly one.

    Rows are shuffled, sorted by length inside windows, cut into batches of about equal
    cost (rows times longest row), and the batches shuffled again. The result is a pure
    function of the arguments, so (epoch, step) is the whole state of the data.

    Args:
        lengths: (N,) cost of each row.
        batch_size: Rows of a batch of rows of mean length.
        seed: Of the run.
        epoch: Counted over the whole run.
    """
    generator = draws("order", seed, epoch=epoch)
    order = generator.permutation(len(lengths))
    span = batch_size * WINDOW
    batches: list[npt.NDArray[np.int64]] = []
    budget = batch_size * float(lengths.mean())
    for start in range(0, len(order), span):
        window = order[start : start + span]
        window = window[np.argsort(-lengths[window], kind="stable")]
        batches.extend(_cut(window, lengths[window], batch_size, budget))
        batches = _joined(batches, batch_size)
    return [batches[i] for i in generator.permutation(len(batches))]


def _cut(
    window: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    batch_size: int,
    budget: float,
) -> list[npt.NDArray[np.int64]]:
    """Cuts rows sorted by falling length into batches within the budget."""
    batches = []
    start = 0
    while start < len(window):
        rows = round(budget / max(int(lengths[start]), 1))
        rows = min(max(rows, batch_size // SPREAD, 1), batch_size * SPREAD)
        batches.append(window[start : start + rows])
        start += rows
    return batches


def _joined(batches: list[npt.NDArray[np.int64]], batch_size: int) -> list[npt.NDArray[np.int64]]:
    """Returns the batches with a last one of a single row put to the one before.

    A norm over one row has no variance, and torch refuses it.
    """
    if batch_size < 2 or len(batches) < 2 or len(batches[-1]) > 1:
        return batches
    return [*batches[:-2], np.concatenate(batches[-2:])]


def pair_batches(
    labels: npt.NDArray[np.int64], batch_size: int, *, seed: int, epoch: int
) -> list[npt.NDArray[np.int64]]:
    """Returns the batches of one epoch in which rows of a class come a few at a time.

    So that each batch holds pairs of one class and pairs of two, however many classes
    there are. Every row is in exactly one batch.

    Args:
        labels: (N,) class of each row.
        batch_size: Rows of a batch; the last one may be smaller.
        seed: Of the run.
        epoch: Counted over the whole run.
    """
    generator = draws("order", seed, epoch=epoch)
    shuffled = generator.permutation(len(labels))
    groups: list[npt.NDArray[np.int64]] = []
    for number in np.unique(labels):
        members = shuffled[labels[shuffled] == number]
        groups += [members[start : start + TOGETHER] for start in range(0, len(members), TOGETHER)]
    order = np.concatenate([groups[i] for i in generator.permutation(len(groups))])
    cut = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return _joined(cut, batch_size)


def even_cuts(rows: int, most: int, *, together: int = 1) -> list[slice]:
    """Returns where a batch is cut into pieces of like size, none of them of a single row.

    A norm over one row has no variance, and pairs need two. So where pieces of two would leave
    one row over, one of them has three.

    Args:
        rows: Of the batch.
        most: Rows of a piece, about; with 1 all are of one row.
        together: Rows that stand beside each other and stay so; a divisor of `rows`.

    >>> [(cut.start, cut.stop) for cut in even_cuts(9, 4)]
    [(0, 3), (3, 6), (6, 9)]
    """
    units = rows // together
    count = -(-units // max(1, most // together))
    if together == 1 < most and rows < 2 * count:
        count = max(1, rows // 2)
    ends = [units * number // count * together for number in range(count + 1)]
    return [slice(start, stop) for start, stop in pairwise(ends)]


def takes_statistics(trunk: nn.Module) -> bool:
    """Says whether a norm of a trunk takes the statistics of the rows that it sees."""
    norms = (module for module in trunk.modules() if isinstance(module, _BatchNorm))
    return any(norm.training for norm in norms)


def warm_piece(rows: int, tokens: int) -> int:
    """Returns how many rows of a batch of texts a processor takes at once.

    Args:
        rows: Of the batch.
        tokens: Of each row, padding included.

    >>> warm_piece(32, 64), warm_piece(32, 128), warm_piece(31, 136), warm_piece(2, 4096)
    (32, 16, 16, 1)
    """
    return -(-rows // max(1, min(rows, round(rows * tokens / WARM))))


def count_steps(counts: Sequence[int], *, last_pass: float = 1.0) -> int:
    """Returns the optimiser steps of some epochs.

    Args:
        counts: Batches of each epoch.
        last_pass: Share of the last epoch that is taken, in (0, 1].

    >>> count_steps([10, 10], last_pass=0.5)
    15
    """
    return sum(counts[:-1]) + max(1, round(counts[-1] * last_pass))
