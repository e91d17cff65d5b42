"""Takes the steps of an epoch: batches in, moved weights and a record out."""

import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regraft.backbones.attention import set_attention
from regraft.backbones.backbone import Batch
from regraft.data.encode import Encoded
from regraft.data.images import Augment, PixelRows
from regraft.features.pooled import to_device
from regraft.features.prefixed import Prefixed, decide, feed, forward
from regraft.losses.cross_entropy import cross_entropy
from regraft.scoring import metrics
from regraft.training.batches import epoch_batches
from regraft.training.keeping.checkpoint import Beside, checkpoint
from regraft.training.keeping.place import Tally
from regraft.training.moving.lines import line_of
from regraft.training.optimiser import set_rates
from regraft.training.phase import Phase
from regraft.training.progress import EpochRecord
from regraft.training.schedule import Clock, rate_share
from regraft.training.session import Session, selection_key

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

    def due(self) -> int:
        """Returns the step of the schedule that comes next; all of them where time is up.

        One step is taken even where there is no time at all.
        """
        place = self.session.place
        by_time = self.clock.step(time.monotonic(), steps=self.steps)
        return max(place.at, by_time if place.done else min(by_time, self.steps - 1))

    def keep(self) -> None:
        """Keeps a checkpoint, where it is time for one."""
        session, keeper = self.session, self.session.keeper
        if keeper is None or not keeper.due:
            return
        if not keeper.save(checkpoint(session, self.beside)):
            session.progress.say(f"no checkpoint could be written ({keeper.trouble})")


def epoch(stepper: Stepper) -> tuple[EpochRecord, bool]:
    """Takes the steps of one epoch that are left, validates; returns record, better or not."""
    session, phase, place = stepper.session, stepper.phase, stepper.session.place
    rows, options = shown(session, phase, epoch=session.epoch), stepper.session.options
    fed = _feed(session, phase, rows)
    weights = session.weights()
    set_attention(session.network.trunk, session.verdict.training.attention)
    batches = epoch_batches(
        rows.lengths, options.batch_size, seed=options.seed, epoch=session.epoch
    )
    planned = batches[: stepper.steps - place.done + place.batch]
    for indices in planned[place.batch :]:
        at = stepper.due()
        if at >= stepper.steps:
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


def shown(session: Session, phase: Phase, *, epoch: int) -> Encoded:
    """Returns the training rows as an epoch shows them."""
    rows, options = session.train.rows, session.options
    view = epoch % options.views if options.views and phase.line else epoch
    if isinstance(rows, PixelRows):
        return rows.augmented(cast(Augment, options.augment), options.seed, epoch=view)
    return rows.augmented(options.augment, options.seed, epoch=view)


def _feed(session: Session, phase: Phase, rows: Encoded) -> Encoded | Prefixed:
    """Returns what the steps of an epoch read: the rows, or what the frozen prefix made."""
    views = 1 if session.options.augment == "none" else session.options.views or phase.epochs
    level = session.level(phase.line)
    if session.cached is None:
        asked = {"epochs": phase.epochs, "views": views}
        session.cached = decide(level, rows, cache=session.cache, **asked)
    session.entry = level if session.cached else None
    return feed(level, rows, cache=session.cache) if session.cached else rows


def _step(
    stepper: Stepper,
    batch: dict[str, Tensor],
    indices: npt.NDArray[np.int64],
    weights: Tensor | None,
) -> tuple[float, Tensor, Tensor]:
    """Takes one optimiser step; returns the plain loss, the (B, K) logits and the labels."""
    session, scaler = stepper.session, stepper.beside.scaler
    optimiser = session.optimiser
    labels = torch.from_numpy(session.train.labels[indices]).to(session.device)
    loss, found = _backward(stepper, to_device(batch, session.device), labels, weights)
    if session.witness:
        session.witness.step()
    scaler.unscale_(optimiser)
    stepper.beside.before_step()
    moving = [p for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
    torch.nn.utils.clip_grad_norm_(moving, CLIP, foreach=True)
    scaler.step(optimiser)
    scaler.update()
    optimiser.zero_grad(set_to_none=True)
    # Told without the weights of the classes, as every other loss of a record is.
    plain = loss if weights is None else cross_entropy(found, labels)
    return float(plain), found, labels


def _backward(
    stepper: Stepper, batch: Batch, labels: Tensor, weights: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Computes the gradients of a batch; returns its loss and its (B, K) logits.

    Where the device's memory is too small, the batch goes in pieces, now and from now on,
    whose gradients add up to the same.
    """
    session = stepper.session
    while True:
        # Dropout's numbers depend on (seed, step) alone, so that a resumed run draws the same.
        torch.manual_seed(session.options.seed * 1_000_003 + session.step)
        try:
            return _in_pieces(stepper, batch, labels, weights)
        except torch.OutOfMemoryError:
            if min(session.piece, len(labels)) == 1:
                raise
            session.optimiser.zero_grad(set_to_none=True)
            session.piece = -(-min(session.piece, len(labels)) // 2)
            session.progress.say(
                f"out of memory: batches go in pieces of {session.piece} rows from now on"
            )


def _in_pieces(
    stepper: Stepper, batch: Batch, labels: Tensor, weights: Tensor | None
) -> tuple[Tensor, Tensor]:
    session, total = stepper.session, _mass(labels, weights)
    loss, logits = torch.zeros((), device=labels.device), []
    for start in range(0, len(labels), session.piece):
        some = slice(start, start + session.piece)
        piece = {name: tensor[some] for name, tensor in batch.items()}
        with session.verdict.training.running():
            made = forward(session.entry, piece) if session.entry else session.network(piece)
        share = _mass(labels[some], weights) / total
        part = cross_entropy(made, labels[some], weights=weights) * share
        stepper.beside.scaler.scale(part).backward()
        loss = loss + part.detach()
        logits.append(made.detach())
    return loss, torch.cat(logits)


def _mass(labels: Tensor, weights: Tensor | None) -> float:
    """Returns what a batch weighs in a mean: its rows, or the sum of their classes' weights."""
    return float(len(labels) if weights is None else weights[labels].sum())


def _validated(stepper: Stepper, number: int, tally: Tally) -> tuple[EpochRecord, bool]:
    """Scores the validation rows, keeps the best weights, makes the epoch's record."""
    session, phase, average = stepper.session, stepper.phase, stepper.beside.average
    trained = time.perf_counter() - tally.started
    with average.shown() if average else nullcontext():
        val_logits = session.evaluate()
        best = session.consider(phase.name, number, val_logits=val_logits)
    # A phase may begin below what came before and still rise: its own best counts for patience.
    key = selection_key(val_logits, session.val.labels, options=session.options)
    better = session.place.improves(key) or not len(session.val)
    val_loss, val_accuracy = metrics.loss_and_accuracy(val_logits, session.val.labels)
    record = EpochRecord(
        phase=phase.name,
        epoch=number,
        epochs=phase.epochs,
        train_loss=tally.loss / max(tally.rows, 1),
        train_accuracy=tally.right / max(tally.rows, 1),
        val_loss=val_loss,
        val_accuracy=val_accuracy,
        seconds=time.perf_counter() - tally.started,
        rows_per_second=tally.rows / max(trained, 1e-9),
        rate=tally.rate,
        best=best,
    )
    return record, better
