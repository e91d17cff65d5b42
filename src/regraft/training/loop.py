"""Moves weights: works the phases in order, epoch by epoch, step by step."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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
from regraft.training.head import train_head
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
        for phase in phases:
            if session.records and session.out_of_time:
                break
            draw_line(session, phase)
            if phase.line == session.top:
                train_head(session, phase)
            else:
                _train_suffix(session, phase)
            close_stretch(session)
        _put_back(session)
    _note_restored(session)
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


def _note_restored(session: Session) -> None:
    """Says in the ledger what the network is now."""
    best = session.best
    if best is None:
        return
    blocks = block_digests(session.network.trunk, session.chain, line=session.top)
    digests = {**blocks, "network": state_digest(session.network)}
    line = session.ledger.events[-1].line
    session.ledger.note(Event(best.step, best.phase, "restore", line, digests))


@dataclass
class _Tally:
    """Sums over the steps of an epoch, the head's last rate, and when it began."""

    loss: float = 0.0
    right: int = 0
    rows: int = 0
    rate: float = 0.0
    started: float = field(default_factory=time.perf_counter)

    def add(self, loss: float, logits: Tensor, *, labels: Tensor) -> None:
        self.loss += loss * len(labels)
        self.right += int((logits.argmax(dim=1) == labels).sum())
        self.rows += len(labels)


def _train_suffix(session: Session, phase: Phase) -> None:
    """Trains everything above the line for the phase's epochs."""
    options = session.options
    epochs = range(session.epoch, session.epoch + phase.epochs)
    lengths = (_augmented(session, epoch).lengths for epoch in epochs)
    steps = count_steps(lengths, options.batch_size, seed=options.seed, first=session.epoch)
    session.progress.start_phase(phase.name, _line_words(session, phase), steps=steps)
    session.trunk_moved()
    scaler = torch.amp.GradScaler(
        torch.device(session.device).type, enabled=session.verdict.training.precision == "fp16"
    )
    freezer = freezer_for(session, phase, rule=options.threshold, steps=steps)
    stepper = _Stepper(session, phase, scaler, steps, freezer)
    done, without = 0, 0
    for number in range(1, phase.epochs + 1):
        done, record, better = _epoch(stepper, done, number)
        session.records.append(record)
        session.progress.epoch(record)
        session.epoch += 1
        without = 0 if better else without + 1
        if number == phase.stop_after or session.enough(without, seconds=record.seconds):
            break


@dataclass(frozen=True)
class _Stepper:
    """What every step of a phase needs."""

    session: Session
    phase: Phase
    scaler: torch.amp.GradScaler
    steps: int
    freezer: Freezer | None


def _epoch(stepper: _Stepper, done: int, number: int) -> tuple[int, EpochRecord, bool]:
    """Takes the steps of one epoch, validates; returns steps done, record, better or not."""
    session, phase = stepper.session, stepper.phase
    tally = _Tally()
    rows = _augmented(session, session.epoch)
    weights = session.weights()
    set_attention(session.network.trunk, session.verdict.training.attention)
    options = session.options
    batches = epoch_batches(
        rows.lengths, options.batch_size, seed=options.seed, epoch=session.epoch
    )
    for indices in batches:
        share = rate_share(phase, done, steps=stepper.steps)
        set_rates(session.optimiser, phase, share=share)
        loss, logits, labels = _step(stepper, rows.batch(indices), indices, weights)
        tally.add(loss, logits, labels=labels)
        done += 1
        session.step += 1
        if stepper.freezer:
            stepper.freezer.after_step(share, loss)
        tally.rate = phase.head_rate * share
        session.progress.step(done, rate=tally.rate, loss=loss)
    record, better = _validated(session, phase, number, tally)
    return done, record, better


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
    session: Session, phase: Phase, number: int, tally: _Tally
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
