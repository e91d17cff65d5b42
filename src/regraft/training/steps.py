"""Takes the steps of an epoch: batches in, moved weights and a record out."""

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regraft.backbones.attention import set_attention
from regraft.backbones.backbone import Batch
from regraft.features.pooled import to_device
from regraft.features.prefixed import entered
from regraft.losses.cross_entropy import cross_entropy
from regraft.losses.pairs import pair_loss
from regraft.machine import out_of_memory
from regraft.scoring import metrics
from regraft.training.aligning.aligner import Aligner, Known, Passed, mass
from regraft.training.batching.batches import even_cuts, takes_statistics, warm_piece
from regraft.training.batching.mixing import loss_of_classes, mixed, of_two
from regraft.training.batching.order import class_weights, order, shown
from regraft.training.keeping.checkpoint import Beside, checkpoint
from regraft.training.keeping.place import Tally
from regraft.training.moving.entry import enter
from regraft.training.moving.lines import line_of
from regraft.training.moving.pulls import pull_back, shrink
from regraft.training.optimiser import set_rates
from regraft.training.phase import Phase
from regraft.training.progress import EpochRecord
from regraft.training.schedule import Clock, rate_share
from regraft.training.selecting import selection_key
from regraft.training.session import Session

Indices = npt.NDArray[np.int64]
CLIP = 1.0
"""Largest norm of a step's gradient; longer ones are scaled down."""


@dataclass(frozen=True)
class Stepper:
    """What every step of a phase needs."""

    session: Session
    phase: Phase
    steps: int
    beside: Beside
    clock: Clock
    aligner: Aligner | None = None

    def due(self) -> int:
        """Returns the step of the schedule that comes next; all of them where time is up.

        One step is taken even where there is no time at all.
        """
        place = self.session.place
        by_time = self.clock.step(time.monotonic(), steps=self.steps)
        return max(place.at, by_time if place.done else min(by_time, self.steps - 1))

    @property
    def idle(self) -> bool:
        """Whether nothing moves any more: pairs of rows teach the trunk alone, and it is frozen."""
        # Not by the line alone: a block above it may be frozen by its name.
        weights = self.session.network.trunk.parameters()
        return self.phase.loss == "pairs" and not any(each.requires_grad for each in weights)

    def around_pass(
        self, known: Known, *, mask: Tensor | None
    ) -> AbstractContextManager[list[Tensor]]:
        """Opens the stretch of a pass; it leaves behind what a discriminator reads."""
        return self.aligner.around_pass(known, mask=mask) if self.aligner else nullcontext([])

    @property
    def alone(self) -> bool:
        """Whether the target is seen without the source."""
        return self.aligner is not None and not self.aligner.alignment.source

    def known(self, indices: Indices) -> Known:
        """Returns what is known of a batch of (B,) rows."""
        session, aligner = self.session, self.aligner
        labels = torch.from_numpy(session.labels[indices]).to(session.device)
        if aligner is None:
            return Known(labels)
        return Known(labels, aligner.guesses(indices), aligner.lent(indices))

    def keep(self) -> None:
        """Keeps a checkpoint, where it is time for one."""
        session, keeper = self.session, self.session.keeper
        if keeper is None or not keeper.due:
            return
        if not keeper.save(lambda: checkpoint(session, self.beside)):
            session.progress.say(f"no checkpoint could be written ({keeper.trouble})")


def epoch(stepper: Stepper) -> tuple[EpochRecord, bool]:
    """Takes the steps of one epoch that are left, validates; returns record, better or not."""
    session, phase, place = stepper.session, stepper.phase, stepper.session.place
    session.mixed = mixed(session, phase, epoch=session.epoch)
    rows = shown(session, phase, epoch=session.epoch)
    fed = enter(session, phase, rows=rows)
    if stepper.aligner:
        stepper.aligner.begin()
    weights = class_weights(session, phase)
    set_attention(session.network.trunk, session.verdict.training.attention)
    batches = order(session, phase, rows=rows, epoch=session.epoch)
    planned = batches[: stepper.steps - place.done + place.batch]
    for indices in planned[place.batch :]:
        at = stepper.due()
        if at >= stepper.steps or stepper.idle:
            break
        share = rate_share(phase, at, steps=stepper.steps)
        set_rates(session.optimiser, phase, share=share)
        began = time.perf_counter()
        loss, logits, labels = _step(stepper, fed.batch(indices), indices, weights)
        taken = time.perf_counter() - began
        session.paces.add(phase.name, line_of(session), seconds=taken)
        place.tally.add(loss, logits, labels=labels)
        place.tally.rate = phase.head_rate * share
        place.batch, place.done, session.step = place.batch + 1, place.done + 1, session.step + 1
        place.at = at + 1
        stepper.beside.after_step(at, loss)
        session.progress.step(place.at, rate=place.tally.rate, loss=loss)
        stepper.keep()
    return _validated(stepper, place.number, place.tally)


def _step(
    stepper: Stepper,
    batch: dict[str, Tensor],
    indices: npt.NDArray[np.int64],
    weights: Tensor | None,
) -> tuple[float, Tensor, Tensor]:
    """Takes one optimiser step; returns the plain loss, the (B, K) logits and the labels."""
    session, scaler = stepper.session, stepper.beside.scaler
    optimiser, known = session.optimiser, stepper.known(indices)
    labels = known.labels
    loss, found = _backward(stepper, to_device(batch, session.device), known, weights)
    if session.witness:
        session.witness.step()
    scaler.unscale_(optimiser)
    stepper.beside.before_step()
    pull_back(session, stepper.phase)
    moving = [p for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
    norm = torch.nn.utils.clip_grad_norm_(moving, CLIP)
    session.place.tally.norm += float(norm)
    if stepper.beside.step(optimiser):
        shrink(optimiser, stepper.phase.shrink)
    optimiser.zero_grad(set_to_none=True)
    if stepper.alone:
        return float(loss), found, labels
    own = (labels >= 0) & (labels < found.shape[1])
    # Told without the weights of the classes, as every other loss of a record is.
    bare = weights is None or stepper.phase.loss == "pairs" or of_two(session, stepper.phase)
    plain = loss if bare and not stepper.aligner else cross_entropy(found[own], labels[own])
    return float(plain), found[own], labels[own]


def _backward(
    stepper: Stepper, batch: Batch, known: Known, weights: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Computes the gradients of a batch; returns its loss and its (B, K) logits.

    Where the device's memory is too small, the batch goes in pieces, now and from now on; that is
    said once, when they fit. The gradients of a loss over rows add up to the same; a loss over
    pairs of rows or two domains becomes that of each piece, as do the statistics that norms take.
    """
    session, labels, before = stepper.session, known.labels, stepper.session.piece
    while True:
        # Dropout's numbers depend on (seed, step) alone, so that a resumed run draws the same.
        torch.manual_seed(session.options.seed * 1_000_003 + session.step)
        try:
            found = _in_pieces(stepper, batch, known, weights)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            rows, fewest = min(session.piece, len(labels)), _fewest(stepper, known)
            if rows <= fewest:
                raise
            session.optimiser.zero_grad(set_to_none=True)
            session.piece = max(-(-rows // 2), fewest)
        else:
            if session.piece < before == sys.maxsize:
                # True for good, though longer rows may need smaller pieces still.
                size = f"pieces of at most {session.piece} rows"
                apart = "" if _adds_up(stepper) else ", each with a loss of its own,"
                session.progress.say(f"out of memory: batches go in {size}{apart} from now on")
            return found


def _fewest(stepper: Stepper, known: Known) -> int:
    """Returns how many rows a piece has to have: norms take no statistics of a single one."""
    least = 2 if takes_statistics(stepper.session.network.trunk) else 1
    if stepper.aligner is None:
        return least
    return int(max(cut.stop - cut.start for cut in stepper.aligner.pieces(known, least)))


def _warm(stepper: Stepper, batch: Batch) -> int:
    """Returns how many rows go through at once for speed alone: all where pieces would differ."""
    mode, mask = stepper.session.verdict.training, batch.get("attention_mask")
    plain = mode.device == "cpu" and mode.precision == "fp32" and _adds_up(stepper)
    if mask is None or not plain or takes_statistics(stepper.session.network.trunk):
        return sys.maxsize
    return warm_piece(*mask.shape)


def _adds_up(stepper: Stepper) -> bool:
    """Says whether the loss of a batch is the mean of those of its rows."""
    return stepper.phase.loss == "classes" and stepper.aligner is None


def _in_pieces(
    stepper: Stepper, batch: Batch, known: Known, weights: Tensor | None
) -> tuple[Tensor, Tensor]:
    session, labels = stepper.session, known.labels
    if of_two(session, stepper.phase):
        weights = None  # the classes of one data set cannot be weighed against another's
    total = mass(labels, weights, alone=stepper.alone)
    loss, logits = torch.zeros((), device=labels.device), []
    most, aligner = min(session.piece, _warm(stepper, batch)), stepper.aligner
    for some in aligner.pieces(known, most) if aligner else even_cuts(len(labels), most):
        piece = {name: tensor[some] for name, tensor in batch.items()}
        own, mask = known.of(some), piece.get("attention_mask")
        with session.verdict.training.running(), stepper.around_pass(own, mask=mask) as left:
            features = (
                entered(session.entry, piece) if session.entry else session.network.features(piece)
            )
            made = session.network.head(features)
        weight = mass(own.labels, weights, alone=stepper.alone)
        passed = Passed(features, made, left, mask, own.guesses, own.lent)
        # Rows of classes that weigh nothing, a source's in a fold without them, have no mean.
        part = 0.0 * made.float().sum()
        if weight:
            part = weight / total * _loss(stepper, passed, own.labels, weights)
        stepper.beside.scaler.scale(part).backward()
        loss = loss + part.detach()
        logits.append(made.detach())
    return loss, torch.cat(logits)


def _loss(stepper: Stepper, passed: Passed, labels: Tensor, weights: Tensor | None) -> Tensor:
    """Returns the loss of features and logits; rows of other classes have a head of their own."""
    if stepper.aligner:
        return stepper.aligner.loss(passed, labels, weights=weights)
    features, other = passed.features, stepper.session.source_head
    if stepper.phase.loss == "pairs":
        return pair_loss(features, labels)
    logits = passed.logits
    return loss_of_classes(features, logits, labels=labels, weights=weights, other=other)


def _validated(stepper: Stepper, number: int, tally: Tally) -> tuple[EpochRecord, bool]:
    """Scores the validation rows, keeps the best weights, makes the epoch's record."""
    session, phase, average = stepper.session, stepper.phase, stepper.beside.average
    trained = time.perf_counter() - tally.started
    if phase.loss == "pairs":
        # The head has learnt nothing yet: there is nothing to be scored.
        return _record(stepper, (number, tally, trained), (None, None), best=False), True
    key, signs = None, None
    with average.shown() if average else nullcontext():
        val_logits = session.evaluate()
        if phase.alignment is not None and session.criterion is not None:
            key, signs = session.criterion(session)
        best = session.consider(phase.name, number, val_logits=val_logits, key=key)
    # A phase may begin below what came before and still rise: its own best counts for patience.
    own = key or selection_key(val_logits, session.val.labels, options=session.options)
    better = session.place.improves(own) or not (key or len(session.val))
    seen = metrics.loss_and_accuracy(val_logits, session.val.labels)
    record = _record(stepper, (number, tally, trained), seen, best=best)
    return replace(record, signs=signs), better


def _record(
    stepper: Stepper,
    done: tuple[int, Tally, float],
    seen: tuple[float | None, float | None],
    *,
    best: bool,
) -> EpochRecord:
    """Makes an epoch's record from its number, tally and seconds, and what validation says."""
    phase, (number, tally, trained) = stepper.phase, done
    scored = phase.loss == "classes"
    told = scored and not stepper.alone
    return EpochRecord(
        phase=phase.name,
        epoch=number,
        epochs=phase.epochs,
        train_loss=tally.loss / max(tally.rows, 1),
        train_accuracy=tally.right / max(tally.rows, 1) if told else None,
        val_loss=seen[0],
        val_accuracy=seen[1],
        seconds=time.perf_counter() - tally.started,
        rows_per_second=tally.rows / max(trained, 1e-9),
        rate=tally.rate,
        best=best,
        gradient_norm=tally.norm / max(tally.steps, 1),
        scored=scored,
    )
