"""Decides which rows an epoch shows, and in which batches."""

from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regraft.data.encode import Encoded
from regraft.data.images import Augment, PixelRows
from regraft.losses.cross_entropy import balanced_weights
from regraft.training.aligning.pairing import Pairing, paired_batches
from regraft.training.batching.batches import epoch_batches, pair_batches
from regraft.training.batching.mixing import mixed
from regraft.training.phase import Phase
from regraft.training.session import Session

Indices = npt.NDArray[np.int64]


def order(session: Session, phase: Phase, *, rows: Encoded, epoch: int) -> list[Indices]:
    """Returns the batches of an epoch: a pure function of seed, epoch and rows."""
    size, seed = session.options.batch_size, session.options.seed
    if phase.alignment is not None:
        pairing = Pairing(row_weights(session), session.unlabelled_from, session.lent_times)
        size = max(size, session.options.least_paired)
        made = paired_batches(rows.lengths, size, pairing=pairing, seed=seed, epoch=epoch)
        if phase.alignment.source:
            return made
        # What nobody learns of would still be half of what norms see, and of a step's cost.
        return [batch[batch >= len(session.train)] for batch in made]
    if phase.loss == "pairs":
        return pair_batches(session.train.labels, size, seed=seed, epoch=epoch)
    return epoch_batches(rows.lengths, size, seed=seed, epoch=epoch)


def counted(session: Session, phase: Phase, *, epochs: range) -> list[int]:
    """Returns the batches of each of some epochs, of which there are one or more.

    Pictures, and rows in pairs, make as many in one epoch as in another: one is looked at.
    Of texts each epoch has lengths of its own, as tokens are left out, and an order.

    Args:
        session: Its training rows are looked at.
        phase: Whose epochs they are.
        epochs: Counted over the whole run.
    """
    pairs = phase.loss == "pairs" and phase.alignment is None
    alike = pairs or isinstance(session.train.rows, PixelRows)
    counts = [
        len(order(session, phase, rows=shown(session, phase, epoch=epoch), epoch=epoch))
        for epoch in (epochs[:1] if alike else epochs)
    ]
    return counts * len(epochs) if alike else counts


def row_weights(session: Session) -> npt.NDArray[np.float64]:
    """Returns (N,) how often each training row is wanted beside one of the target.

    So that the source's classes have the proportions that were estimated for the target:
    else what compares the two would take a difference of proportions for a shift.
    """
    labels, wanted = session.train.labels, session.proportions
    if wanted is None:
        return np.ones(len(labels))
    shares = np.bincount(labels, minlength=len(wanted)) / len(labels)
    ratios = wanted.numpy().astype(np.float64) / np.maximum(shares, 1e-12)
    weights = ratios[labels]
    return np.asarray(weights / weights.mean())


def class_weights(session: Session, phase: Phase) -> Tensor | None:
    """Returns the (K,) weights of the classes in an epoch's loss on the device, or None.

    Where domains are drawn together they are of the rows that come there: the source's in the
    target's proportions, and labelled ones of the target. The weights of the source alone would
    let a class of share p that comes as a share q count q / p; and a class that only the target
    has would have none, and a loss of 0 / 0.

    Args:
        session: Its options tell whether the classes have weights.
        phase: Whose epochs are shown.
    """
    own = session.options.class_weights
    if phase.alignment is None or own is None:
        return session.weights()
    labels, times = session.train.labels, row_weights(session)
    if session.lent is not None:
        labels = np.concatenate([labels, session.lent.labels])
        times = np.append(times, np.full(len(session.lent), session.lent_times))
    return torch.from_numpy(balanced_weights(labels, len(own), times=times)).to(session.device)


def turns(session: Session, phase: Phase) -> int:
    """Returns how many views of each row take turns; 0 = another one in each epoch.

    Views that come again pay where what is frozen makes them once: in a phase that starts
    with frozen blocks. Elsewhere they would but cost variety.

    Args:
        session: Its options tell how rows are augmented.
        phase: Whose epochs show them.
    """
    if session.options.augment == "none":
        return 1
    return session.options.views or 0 if phase.line else 0


def shown(session: Session, phase: Phase, *, epoch: int) -> Encoded:
    """Returns the training rows as an epoch shows them."""
    rows, options = mixed(session, phase, epoch=epoch).rows, session.options
    count = turns(session, phase)
    view = epoch % count if count else epoch
    if isinstance(rows, PixelRows):
        return rows.augmented(cast(Augment, options.augment), options.seed, epoch=view)
    return rows.augmented(options.augment, options.seed, epoch=view)
