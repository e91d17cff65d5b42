"""Makes the loss of a phase that draws two domains together, pass by pass."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from regraft.backbones.graft import Grafted
from regraft.data.encode import Encoded
from regraft.features.pooled import to_device
from regraft.features.prefixed import Prefixed, entered
from regraft.losses.cross_entropy import cross_entropy
from regraft.training.aligning.alignment import Alignment
from regraft.training.aligning.discriminator import Discriminator, make_discriminator
from regraft.training.aligning.tap import tapped
from regraft.training.aligning.terms import Seen, term, term_pieces
from regraft.training.aligning.virtual import Cloud, virtual_at
from regraft.training.batching.batches import even_cuts
from regraft.training.moving.entry import entering_rows
from regraft.training.moving.lines import sample_of
from regraft.training.phase import Phase
from regraft.training.session import Session

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Known:
    """What is known of a batch of B rows.

    Args:
        labels: (B,) -1 = none.
        guesses: (B,) classes that rows of a target are taken for, where these are guessed.
        lent: (B,) which rows have a label though they are a target's, where some have.
    """

    labels: Tensor
    guesses: Tensor | None = None
    lent: Tensor | None = None

    def of(self, some: slice) -> "Known":
        """Returns what is known of some rows."""
        cut = [None if each is None else each[some] for each in (self.guesses, self.lent)]
        return Known(self.labels[some], *cut)


@dataclass(frozen=True)
class Passed:
    """What a pass of B rows gave.

    Args:
        features: (B, D) pooled.
        logits: (B, K).
        left: What crossed the position, where one was tapped.
        mask: (B, T) which tokens are real, for texts.
        guesses: (B,) classes that the target's rows are taken for; None = nothing was guessed.
        lent: (B,) which rows have a label though they are the target's; None = none does.
    """

    features: Tensor
    logits: Tensor
    left: list[Tensor]
    mask: Tensor | None = None
    guesses: Tensor | None = None
    lent: Tensor | None = None


@dataclass
class Aligner:
    """Computes the loss of one phase with an alignment.

    Args:
        session: Has a target.
        alignment: Of the phase.
        steps: Planned optimiser steps of the phase.
        plain: The target's rows as they are, where their answers are guessed from them.
        last: Whether maps at the position have their channels last, where virtual rows are made.
    """

    session: Session
    alignment: Alignment
    steps: int
    plain: Encoded | Prefixed | None = None
    last: bool = False

    def begin(self) -> None:
        """Is called at the start of an epoch, when it is decided where batches enter."""
        if self.alignment.term == "pseudo":
            assert self.session.target is not None, "a phase that aligns has a target"
            self.plain = entering_rows(self.session, self.session.target.rows)

    @contextmanager
    def around_pass(self, known: Known, *, mask: Tensor | None) -> Iterator[list[Tensor]]:
        """Opens the stretch of a pass, which leaves behind what a discriminator reads.

        Where virtual rows are asked for, rows that have a label become some.

        Args:
            known: Of its B rows.
            mask: (B, T) which tokens are real, for texts.
        """
        chain, alignment = self.session.chain, self.alignment
        if alignment.term != "gaussian":
            with tapped(chain, alignment.position) as left:
                yield left
            return
        assert alignment.position is not None, "it is checked where the phase is made"
        cloud = Cloud(alignment.around, alignment.share, self.last)
        wanted = known.labels >= 0
        with virtual_at(chain, alignment.position, cloud=cloud, wanted=wanted, mask=mask):
            yield []

    def guesses(self, indices: Indices) -> Tensor | None:
        """Returns (B,) classes of the target's rows that the network is sure of, else -1.

        Args:
            indices: (B,) of a batch, rows that have labels first in number.
        """
        if self.plain is None:
            return None
        session, first = self.session, self.session.unlabelled_from
        found = torch.full((len(indices),), -1, dtype=torch.long, device=session.device)
        places = np.flatnonzero(indices >= first)
        for cut in even_cuts(len(places), session.piece):
            some = places[cut]
            batch = to_device(self.plain.batch(indices[some] - first), session.device)
            sure, classes = torch.softmax(_answers(session, batch).float(), dim=1).max(dim=1)
            kept = torch.where(sure >= self.alignment.threshold, classes, -1)
            found[torch.from_numpy(some).to(session.device)] = kept
        return found

    def lent(self, indices: Indices) -> Tensor | None:
        """Returns (B,) which rows of a batch have a label though they are the target's."""
        session = self.session
        if session.lent is None:
            return None
        found = (indices >= len(session.train)) & (indices < session.unlabelled_from)
        return torch.from_numpy(found).to(session.device)

    def pieces(self, known: Known, most: int) -> list[slice]:
        """Returns where a batch is cut into pieces of `most` rows, or so many as the term needs."""
        labels, lent = known.labels.cpu(), known.lent
        own = labels >= 0 if lent is None else (labels >= 0) & ~lent.cpu()
        return term_pieces(self.alignment, own, labels < 0, most=most)

    def loss(self, passed: Passed, labels: Tensor, *, weights: Tensor | None) -> Tensor:
        """Returns the loss of the labels that count, and the term.

        Labels of the target always count; where the source is left out, as much as beside it.
        Rows of the target that have labels are of neither domain in the term: they come far
        more often than others.

        Args:
            passed: What a pass of B rows gave.
            labels: (B,) -1 where there is none.
            weights: (K,) weight of each class; None = 1.
        """
        lent = torch.zeros_like(labels, dtype=torch.bool) if passed.lent is None else passed.lent
        labelled = labels >= 0
        learnt = labelled if self.alignment.source else lent
        loss = 0.0 * passed.logits.sum()
        if bool(learnt.any()):
            whole = mass(labels, weights, alone=not self.alignment.source)
            share = mass(labels[learnt], weights) / whole
            made = cross_entropy(passed.logits[learnt], labels[learnt], weights=weights)
            loss = loss + share * made
        if passed.lent is not None:
            passed, labels = _only(passed, ~lent), labels[~lent]
        seen, judge = self._seen(passed, labels >= 0, weights), self.session.discriminator
        return loss + term(self.alignment, seen, discriminator=judge)

    def _seen(self, passed: Passed, own: Tensor, weights: Tensor | None) -> Seen:
        session, head = self.session, self.session.network.head
        features = (passed.features - head.shift) * head.scale
        shares = session.proportions
        known = torch.full((head.classes,), 1 / head.classes) if shares is None else shares
        return Seen(
            own,
            features,
            passed.logits,
            passed.left[0] if passed.left else features,
            passed.mask,
            passed.guesses,
            min(1.0, session.place.at / max(self.steps, 1)),
            known.to(own.device),
            weights,
        )


def mass(labels: Tensor, weights: Tensor | None, *, alone: bool = False) -> float:
    """Returns what rows weigh in a mean: each one, or as much as its class.

    Rows without a label weigh nothing: each stands beside one that has one. Where the target is
    alone it stands in the place of one.

    Args:
        labels: (B,) -1 = none.
        weights: (K,) weight of each class, 1 in the mean; None = 1.
        alone: Whether no row of the source is there.
    """
    if alone:
        return float((labels < 0).sum())
    own = labels[labels >= 0]
    return float(len(own) if weights is None else weights[own].sum())


def _only(passed: Passed, rows: Tensor) -> Passed:
    """Returns what a pass gave of some rows.

    Args:
        passed: Of B rows.
        rows: (B,) whether each is wanted.
    """
    mask, guesses = passed.mask, passed.guesses
    return Passed(
        passed.features[rows],
        passed.logits[rows],
        [left[rows] for left in passed.left],
        None if mask is None else mask[rows],
        None if guesses is None else guesses[rows],
    )


def aligner_for(session: Session, phase: Phase, *, steps: int) -> Aligner | None:
    """Returns what computes a phase's loss where it draws domains together, else None."""
    if phase.alignment is None:
        return None
    assert session.target is not None, "a phase that aligns has a target"
    aligner = Aligner(session, phase.alignment, steps)
    if phase.alignment.term == "gaussian":
        # Looked at here: a pass without gradients inside autocast would spoil its kept weights.
        shape = _shape_at(session, session.network, phase.alignment)
        aligner.last = channels_last(session.network.trunk, shape)
    return aligner


def discriminator_for(session: Session, phases: list[Phase]) -> Discriminator | None:
    """Returns a new discriminator for the one phase that wants one, or None.

    Its shape is read off a few training rows that go through the network.

    Raises:
        SettingsError: If it cannot read what is there (raised by `make_discriminator`).
    """
    wanted = [p.alignment for p in phases if p.alignment is not None and p.alignment.adversarial]
    if not wanted:
        return None
    network, alignment = session.network, wanted[0]
    shape = _shape_at(session, network, alignment)
    last = channels_last(network.trunk, shape)
    made = make_discriminator(
        alignment,
        (shape[-1], *shape[:-1]) if last else shape,
        classes=network.head.classes,
        seed=session.options.seed,
        channels_last=last,
    )
    return made.to(session.device)


def channels_last(trunk: nn.Module, shape: tuple[int, ...]) -> bool:
    """Says whether maps have their channels behind their places, as windowed transformers do.

    Such a network normalises over its last extent, so one of its norms is as wide as that.

    Args:
        trunk: The library's own module.
        shape: Of what crosses a position, B left out.
    """
    if len(shape) != 3:
        return False
    norms = [module for module in trunk.modules() if isinstance(module, nn.LayerNorm)]
    widths = {norm.normalized_shape[-1] for norm in norms}
    return shape[-1] in widths and shape[0] not in widths


def _shape_at(session: Session, network: Grafted, alignment: Alignment) -> tuple[int, ...]:
    training = network.training
    network.eval()
    with torch.no_grad(), tapped(session.chain, alignment.position) as left:
        features = network.features(sample_of(session))
    network.train(training)
    return tuple((left[0] if left else features).shape[1:])


def _answers(session: Session, batch: dict[str, Tensor]) -> Tensor:
    """Returns (B, K) logits in evaluation, without a gradient; the modes are put back."""
    network = session.network
    network.eval()
    with torch.no_grad(), session.verdict.training.running():
        features = entered(session.entry, batch) if session.entry else network.features(batch)
        logits: Tensor = network.head(features)
    network.train()
    return logits
