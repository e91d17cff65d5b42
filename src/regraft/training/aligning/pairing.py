"""Makes batches in which each row of the source has a row of the target beside it."""

import numpy as np
import numpy.typing as npt

from regraft.draws import draws
from regraft.training.batching.batches import epoch_batches

Indices = npt.NDArray[np.int64]


def paired_batches(
    lengths: Indices,
    batch_size: int,
    *,
    weights: npt.NDArray[np.float64],
    seed: int,
    epoch: int,
) -> list[Indices]:
    """Returns batches of 2 B rows: source, target, source, target, and so on.

    Every source row is there about as often as its weight says. Target rows come in turn,
    as many as the source's: a larger target is seen in parts, a smaller one several times.
    The longest of the target meet the longest of the source, which spares padding and
    keeps length from giving a domain away. A pure function of the arguments, none of which
    knows a label of the target.

    Args:
        lengths: (N + L,) cost of each row, the source's N first.
        batch_size: Source rows of mean length in a batch.
        weights: (N,) how often each source row is wanted, 1 in the mean.
        seed: Of the run.
        epoch: Counted over the whole run.
    """
    first = len(weights)
    own = resampled(weights, seed=seed, epoch=epoch)
    source = [own[b] for b in epoch_batches(lengths[own], batch_size, seed=seed, epoch=epoch)]
    target = _in_turn(len(lengths) - first, len(own), seed=seed, epoch=epoch) + first
    target = target[np.argsort(-lengths[target], kind="stable")]
    ranked = sorted(range(len(source)), key=lambda b: -int(lengths[source[b]].max()))
    ends = np.cumsum([len(source[b]) for b in ranked])
    parts = dict(zip(ranked, np.split(target, ends[:-1]), strict=True))
    return [np.stack([rows, parts[b]], axis=1).ravel() for b, rows in enumerate(source)]


def resampled(weights: npt.NDArray[np.float64], *, seed: int, epoch: int) -> Indices:
    """Returns rising numbers of rows, each floor(w) or ceil(w) times (systematic sampling).

    Rows whose weights are all 1 come once each.

    Args:
        weights: (N,) 1 in the mean.
        seed: Of the run.
        epoch: Counted over the whole run.
    """
    generator = draws("target", seed, epoch=epoch)
    order, offset = generator.permutation(len(weights)), generator.uniform(0.25, 0.75)
    # Weights are fractions that add up to a whole number only nearly: half a row is far away.
    marks = np.floor(np.cumsum(weights[order]) + offset).astype(np.int64)
    counts = np.zeros(len(weights), np.int64)
    counts[order] = np.diff(marks, prepend=0)
    return np.repeat(np.arange(len(weights)), counts)


def _in_turn(rows: int, wanted: int, *, seed: int, epoch: int) -> Indices:
    """Returns so many numbers of rows, all of them before any comes again."""
    generator = draws("target", seed, epoch=epoch)
    turns = [generator.permutation(rows) for _ in range(-(-wanted // rows))]
    return np.concatenate(turns)[:wanted].astype(np.int64)
