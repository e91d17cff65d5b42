"""Makes the rows of an epoch where others than the training rows are among them, and their loss."""

from typing import cast

import numpy as np
from torch import Tensor

from regraft.backbones.graft import Head
from regraft.data.images import PixelRows
from regraft.draws import draws
from regraft.features.cached import Cache, pooled
from regraft.losses.cross_entropy import cross_entropy
from regraft.training.heads.head import put_probe
from regraft.training.heads.probe import USUAL_STRENGTH, Labelled, solve_probe
from regraft.training.heads.sample import sample_rows
from regraft.training.phase import Phase, start_rows
from regraft.training.selecting import check_features
from regraft.training.session import Examples, Session


def mixed(session: Session, phase: Phase, *, epoch: int) -> Examples:
    """Returns the training rows, with others behind them where the phase says so.

    They are rows of the source, or all of an unlabelled target's, and before these the ones of
    it that have labels.

    Which ones is a pure function of (seed, epoch): a source that is larger than what an epoch
    takes is seen in parts.

    Args:
        session: Has a source where a phase mixes one in.
        phase: Its `mix` is the number of source rows for each training row.
        epoch: Counted over the whole run.
    """
    source, train = session.source, session.train
    if phase.alignment is not None:
        return _beside_target(session)
    if not phase.mix or source is None:
        return train
    order = draws("mix", session.options.seed, epoch=epoch).permutation(len(source))
    picked = np.sort(order[: max(1, round(phase.mix * len(train)))])
    return joined(train, Examples(source.rows.take(picked), source.labels[picked]))


def _beside_target(session: Session) -> Examples:
    """Returns the training rows with the target's behind them, made once."""
    train, target = session.train, session.target
    assert target is not None, "a phase that aligns has a target"
    kept = session.joined
    if kept is None or kept[0] is not train or kept[1] is not target:
        other = target if session.lent is None else joined(session.lent, target)
        kept = (train, target, joined(train, other))
        session.joined = kept
    return kept[2]


def joined(first: Examples, second: Examples) -> Examples:
    """Returns rows with others of the same kind behind them."""
    labels = np.concatenate([first.labels, second.labels])
    if isinstance(first.rows, PixelRows):
        return Examples(first.rows.joined(cast(PixelRows, second.rows)), labels)
    assert not isinstance(second.rows, PixelRows), "one modality"
    return Examples(first.rows.joined(second.rows), labels)


def start_source_head(session: Session, phase: Phase) -> None:
    """Solves the source's own head on the trunk as it stands, where there is one.

    As for the target: a fresh head's random gradients would spoil what was tuned.

    Raises:
        DivergedError: If an earlier phase has spoilt the trunk.
    """
    head, source = session.source_head, session.source
    if head is None or source is None or not phase.mix:
        return
    most = start_rows(head.classes)
    few = sample_rows(source.labels, most, seed=session.options.seed)
    # Of a trunk that no other run has: nothing to be kept.
    features = pooled(session.level(session.top), source.rows.take(few), cache=Cache(on=False))
    check_features(features)
    labels = source.labels[few] - session.network.head.classes
    probe = solve_probe(Labelled(features, labels), head.classes, strength=USUAL_STRENGTH)
    put_probe(head, probe)


def of_two(session: Session, phase: Phase) -> bool:
    """Says whether rows of two data sets, with heads of their own, are learnt together."""
    return session.source_head is not None and phase.mix > 0


def loss_of_classes(
    features: Tensor, logits: Tensor, labels: Tensor, *, weights: Tensor | None, other: Head | None
) -> Tensor:
    """Returns the loss of a pass; rows of a source's classes have a head of their own.

    Args:
        features: (B, D).
        logits: (B, K).
        labels: (B,) from K up those of the source's classes.
        weights: (K,) weight of each class; None = 1.
        other: The source's head, if there is one.
    """
    theirs = labels >= logits.shape[1]
    if other is None or not theirs.any():
        return cross_entropy(logits, labels, weights=weights)
    made = cross_entropy(other(features[theirs]), labels[theirs] - logits.shape[1])
    share = float(theirs.float().mean())
    if share == 1:
        return made
    return (1 - share) * cross_entropy(logits[~theirs], labels[~theirs]) + share * made
