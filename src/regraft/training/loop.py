"""Moves weights: works the phases in order, epoch by epoch, step by step."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regraft.backbones.attention import set_attention
from regraft.backbones.vocabulary import reduce_table
from regraft.data.encode import Encoded
from regraft.data.images import Augment, PixelRows
from regraft.data.texts import TokenRows
from regraft.features.pooled import to_device
from regraft.freezing.ledger import Event
from regraft.freezing.proof import block_digests, state_digest
from regraft.losses.cross_entropy import cross_entropy
from regraft.scoring import metrics
from regraft.training.batches import count_steps, epoch_batches
from regraft.training.freezer import Freezer, freezer_for
from regraft.training.heads.head import train_head
from regraft.training.keeping.checkpoint import checkpoint, restore, restore_freezer
from regraft.training.keeping.keeper import Kept
from regraft.training.keeping.place import Place, Tally
from regraft.training.lines import close_stretch, draw_line
from regraft.training.optimiser import set_rates
from regraft.training.phase import Phase
from regraft.training.progress import EpochRecord
from regraft.training.schedule import rate_share
from regraft.training.session import Session, check_finite

CLIP = 1.0
"""Largest norm of a step's gradient; longer ones are scaled down."""


def work(session: Session, phases: list[Phase]) -> None:
    """Works the phases in order and puts the best checkpoint back at the end.

    Args:
        session: Its network, ledger and records are changed.
        phases: From a strategy.

    Raises:
        SettingsError: If the training diverged (raised by `check_finite`).
    """
    with small_table(session):
        kept = session.keeper.latest() if session.keeper else None
        if kept is not None:
            restore(session, kept)
            session.progress.say(f"going on after step {session.step}")
        for number in range(session.place.phase, len(phases)):
            if session.records and session.out_of_time and not session.place.done:
                break
            _work_phase(session, phases[number], kept)
            kept = None
            session.place = Place(phase=number + 1)
        _put_back(session)
        # With the table as it was in every stretch, so that the digests can be compared.
        blocks = block_digests(session.network.trunk, session.chain, line=session.top)
    _note_restored(session, blocks)
    if session.best is not None:
        check_finite(session.network, session.best.val_logits)


@contextmanager
def small_table(session: Session) -> Iterator[None]:
    """Opens a stretch in which the token table holds only the rows that the texts use."""
    train, val = session.train, session.val
    texts = [part.rows for part in (train, val) if isinstance(part.rows, TokenRows)]
    reduced = reduce_table(session.network.trunk, texts) if texts else None
    if reduced is None:
        yield
        return
    session.train = replace(train, rows=reduced.renumbered(texts[0]))
    session.val = replace(val, rows=reduced.renumbered(texts[1]))
    try:
        yield
    finally:
        reduced.restore()
        session.train, session.val = train, val


def _put_back(session: Session) -> None:
    """Puts the best checkpoint's weights into the network."""
    if session.best is not None:
        session.network.load_state_dict(session.best.state)


def _note_restored(session: Session, blocks: dict[str, str]) -> None:
    """Says in the ledger what the network is now, and what its blocks are."""
    best = session.best
    if best is None:
        return
    digests = {**blocks, "network": state_digest(session.network)}
    line = session.ledger.events[-1].line
    session.ledger.note(Event(best.step, best.phase, "restore", line, digests))


def _work_phase(session: Session, phase: Phase, kept: Kept | None) -> None:
    """Works a phase from its start, or from where a checkpoint broke it off."""
    if kept is None:
        draw_line(session, phase)
    if phase.line == session.top:
        train_head(session, phase)
    else:
        _train_suffix(session, phase, kept)
    close_stretch(session)


def _train_suffix(session: Session, phase: Phase, kept: Kept | None) -> None:
    """Trains everything above the line for the phase's epochs."""
    place = session.place
    steps = _planned(session, phase)
    session.progress.start_phase(phase.name, _line_words(session, phase), steps=steps)
    session.trunk_moved()
    scaler = torch.amp.GradScaler(
        torch.device(session.device).type, enabled=session.verdict.training.precision == "fp16"
    )
    freezer = freezer_for(session, phase, rule=session.options.threshold, steps=steps)
    if kept is not None:
        scaler.load_state_dict(kept.content["scaler"])
        if freezer is not None:
            restore_freezer(freezer, kept)
    stepper = _Stepper(session, phase, scaler, steps, freezer)
    while place.number <= phase.epochs and not _ended(session, phase):
        record, better = _epoch(stepper)
        session.records.append(record)
        session.progress.epoch(record)
        session.epoch += 1
        place.next_epoch(better=better)
        stepper.keep()


def _planned(session: Session, phase: Phase) -> int:
    """Returns the optimiser steps of all of a phase's epochs."""
    options, first = session.options, session.epoch - session.place.number + 1
    lengths = (_augmented(session, e).lengths for e in range(first, first + phase.epochs))
    return count_steps(
        lengths,
        options.batch_size,
        seed=options.seed,
        first=first,
        last_pass=options.last_pass,
    )


def _ended(session: Session, phase: Phase) -> bool:
    """Says whether a phase ends before its last epoch: as planned, by patience, by time."""
    place = session.place
    if place.number == 1 or place.batch:
        return False
    planned = place.number - 1 == phase.stop_after
    return planned or session.enough(place.without, seconds=session.records[-1].seconds)


@dataclass(frozen=True)
class _Stepper:
    """What every step of a phase needs."""

    session: Session
    phase: Phase
    scaler: torch.amp.GradScaler
    steps: int
    freezer: Freezer | None

    def keep(self) -> None:
        """Keeps a checkpoint, where it is time for one."""
        session, keeper = self.session, self.session.keeper
        if keeper is None or not keeper.due:
            return
        if not keeper.save(checkpoint(session, self.freezer, scaler=self.scaler.state_dict())):
            session.progress.say(f"no checkpoint could be written ({keeper.trouble})")


def _epoch(stepper: _Stepper) -> tuple[EpochRecord, bool]:
    """Takes the steps of one epoch that are left, validates; returns record, better or not."""
    session, phase, place = stepper.session, stepper.phase, stepper.session.place
    rows, options = _augmented(session, session.epoch), stepper.session.options
    weights = session.weights()
    set_attention(session.network.trunk, session.verdict.training.attention)
    batches = epoch_batches(
        rows.lengths, options.batch_size, seed=options.seed, epoch=session.epoch
    )
    planned = batches[: stepper.steps - place.done + place.batch]
    for indices in planned[place.batch :]:
        share = rate_share(phase, place.done, steps=stepper.steps)
        set_rates(session.optimiser, phase, share=share)
        loss, logits, labels = _step(stepper, rows.batch(indices), indices, weights)
        place.tally.add(loss, logits, labels=labels)
        place.tally.rate = phase.head_rate * share
        place.batch, place.done, session.step = place.batch + 1, place.done + 1, session.step + 1
        if stepper.freezer:
            stepper.freezer.after_step(share, loss)
        session.progress.step(place.done, rate=place.tally.rate, loss=loss)
        stepper.keep()
    return _validated(session, phase, place.number, place.tally)


def _augmented(session: Session, epoch: int) -> Encoded:
    """Returns the training rows as an epoch shows them."""
    rows, options = session.train.rows, session.options
    if isinstance(rows, PixelRows):
        return rows.augmented(cast(Augment, options.augment), options.seed, epoch=epoch)
    return rows.augmented(options.augment, options.seed, epoch=epoch)


def _step(
    stepper: _Stepper,
    batch: dict[str, Tensor],
    indices: npt.NDArray[np.int64],
    weights: Tensor | None,
) -> tuple[float, Tensor, Tensor]:
    """Takes one optimiser step; returns the plain loss, the (B, K) logits and the labels."""
    session, scaler = stepper.session, stepper.scaler
    optimiser = session.optimiser
    # Dropout's numbers depend on (seed, step) alone, so that a resumed run draws the same.
    torch.manual_seed(session.options.seed * 1_000_003 + session.step)
    labels = torch.from_numpy(session.train.labels[indices]).to(session.device)
    with session.verdict.training.running():
        logits = session.network(to_device(batch, session.device))
    loss = cross_entropy(logits, labels, weights=weights)
    scaler.scale(loss).backward()
    if session.witness:
        session.witness.step()
    scaler.unscale_(optimiser)
    moving = [p for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
    torch.nn.utils.clip_grad_norm_(moving, CLIP, foreach=True)
    scaler.step(optimiser)
    scaler.update()
    optimiser.zero_grad(set_to_none=True)
    found = logits.detach()
    # Told without the weights of the classes, as every other loss of a record is.
    plain = loss.detach() if weights is None else cross_entropy(found, labels)
    return float(plain), found, labels


def _validated(
    session: Session, phase: Phase, number: int, tally: Tally
) -> tuple[EpochRecord, bool]:
    """Scores the validation rows, keeps the best weights, makes the epoch's record."""
    trained = time.perf_counter() - tally.started
    val_logits = session.evaluate()
    better = session.consider(phase.name, number, val_logits=val_logits)
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
        best=better,
    )
    return record, better


def _line_words(session: Session, phase: Phase) -> str:
    if phase.line == 0:
        return "nothing frozen"
    return f"{phase.line} of {session.top} blocks frozen"
