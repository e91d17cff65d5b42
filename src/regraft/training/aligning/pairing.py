"""Makes batches in which each row of the source has a row of the target beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regraft.draws import draws
from regraft.training.batching.batches import epoch_batches

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pairing:
    """Which rows are whose: N of the source, M of the target with labels, L of it without.

    Args:
        weights: (N,) how often each source row is wanted, 1 in the mean.
        first: N + M, number of the first row without a label; None = N.
        times: How often each of the M is wanted.
    """

    weights: npt.NDArray[np.float64]
    first: int | None = None
    times: int = 1

    @property
    def unlabelled_from(self) -> int:
        """N + M."""
        return len(self.weights) if self.first is None else self.first


def paired_batches(
    lengths: Indices, batch_size: int, *, pairing: Pairing, seed: int, epoch: int
) -> list[Indices]:
    """Returns batches of 2 B rows: one with a label, one without, and so on.

    Every source row is there about as often as its weight says, and rows of the target that
    have labels are dealt to the batches beside them. Target rows come in turn, as many as
    those with labels: a larger target is seen in parts, a smaller one several times.
    The longest of the target meet the longest of the source, which spares padding and
    keeps length from giving a domain away. A pure function of the arguments, none of which
    knows a label of the target.

    Args:
        lengths: (N + M + L,) cost of each row.
        batch_size: Source rows of mean length in a batch.
        pairing: Whose they are.
        seed: Of the run.
        epoch: Counted over the whole run.
    """
    first = pairing.unlabelled_from
    own = resampled(pairing.weights, seed=seed, epoch=epoch)
    source = [own[b] for b in epoch_batches(lengths[own], batch_size, seed=seed, epoch=epoch)]
    ranked = sorted(range(len(source)), key=lambda b: -int(lengths[source[b]].max()))
    lent = np.arange(len(pairing.weights), first)
    # No more of them than of the source: they shall weigh no more.
    lent = lent[draws("target", seed, epoch=epoch).permutation(len(lent))][: len(own)]
    lent = lent[np.argsort(-lengths[lent], kind="stable")]
    known = _with_lent(source, lent, ranked=ranked, times=pairing.times)
    wanted = sum(map(len, known))
    target = _in_turn(len(lengths) - first, wanted, seed=seed, epoch=epoch) + first
    target = target[np.argsort(-lengths[target], kind="stable")]
    ends = np.cumsum([len(known[b]) for b in ranked])
    parts = dict(zip(ranked, np.split(target, ends[:-1]), strict=True))
    return [np.stack([rows, parts[b]], axis=1).ravel() for b, rows in enumerate(known)]


def _with_lent(
    source: list[Indices], lent: Indices, *, ranked: Sequence[int], times: int
) -> list[Indices]:
    """Returns the batches with further rows dealt to them, each so many times.

    Each batch gets as many, within one or two, the batches of the longest rows the longest; a
    row is twice in a batch only where there are fewer batches than times. They stand evenly
    among the batch's rows, so that pieces of it are alike.

    Args:
        source: Rows of each batch.
        lent: (M,) numbers of the further rows, the longest first; may be none.
        ranked: Numbers of the batches, likewise.
        times: How often each comes.
    """
    copies = np.repeat(lent, times)
    groups = np.array_split(np.asarray(ranked), max(1, len(ranked) // times))
    ends = np.cumsum([len(group) for group in groups]) * len(copies) // len(ranked)
    dealt = dict.fromkeys(ranked, copies[:0])
    for group, some in zip(groups, np.split(copies, ends[:-1]), strict=True):
        for place, batch in enumerate(group.tolist()):
            dealt[batch] = some[place :: len(group)]
    return [_beside(rows, dealt[batch]) for batch, rows in enumerate(source)]


def _beside(rows: Indices, others: Indices) -> Indices:
    """Returns rows with others spread evenly among them."""
    places = [(np.arange(len(each)) + 0.5) / max(len(each), 1) for each in (rows, others)]
    order = np.argsort(np.concatenate(places), kind="stable")
    return np.concatenate([rows, others])[order]


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
