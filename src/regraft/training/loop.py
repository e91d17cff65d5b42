"""Moves weights: works the phases of a run in order."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import torch

from regraft.backbones.vocabulary import reduce_table, table_of
from regraft.backbones.weights import put_weights
from regraft.data.texts import TokenRows
from regraft.errors import DivergedError
from regraft.freezing.ledger import Event
from regraft.freezing.proof import block_digests, digest_of, state_digest, tensors_of
from regraft.training.aligning.aligner import aligner_for, discriminator_for
from regraft.training.batching.batches import count_steps
from regraft.training.batching.mixing import start_source_head
from regraft.training.batching.order import counted
from regraft.training.heads.head import train_head
from regraft.training.keeping.average import Average
from regraft.training.keeping.between import average_with_start, remember_head, remember_start
from regraft.training.keeping.checkpoint import Beside, checkpoint, restore, restore_beside
from regraft.training.keeping.keeper import Kept
from regraft.training.keeping.place import Place
from regraft.training.moving.entry import leave
from regraft.training.moving.freezer import freezer_for
from regraft.training.moving.lines import close_stretch, draw_line
from regraft.training.phase import Phase
from regraft.training.schedule import Clock
from regraft.training.selecting import check_finite
from regraft.training.session import Examples, Session
from regraft.training.steps import Stepper, epoch

KEPT = 4
"""Weights, two moments and the best weights so far: what a checkpoint holds of each weight."""


def work(session: Session, phases: list[Phase]) -> None:
    """Works the phases in order and puts the best checkpoint back at the end.

    Args:
        session: Its network, ledger and records are changed.
        phases: From a strategy.

    Raises:
        SettingsError: If the training diverged (raised by `check_finite`).
    """
    kept = _latest(session)
    _begin(session, phases)
    moving = any(phase.line < session.top for phase in phases)
    with small_table(session, needed=moving):
        remember_start(session, phases)
        if kept is None:
            _note_table(session, phases[0])
        else:
            restore(session, kept)
            session.progress.say(f"going on after step {session.step}")
        try:
            _work_each(session, phases, kept)
        except DivergedError:  # nobody goes on with that
            _end(session)
            raise
        _put_back(session)
        # With the table as it was in every stretch, so that the digests can be compared.
        blocks = _blocks(session)
        averaged = {}
        if moving and phases[-1].average and average_with_start(session):
            averaged = _blocks(session)
    _note_restored(session, blocks, averaged)
    if session.best is not None:
        check_finite(session.network, session.best.val_logits)


def _latest(session: Session) -> Kept | None:
    """Returns the checkpoint to go on from; says so where there are some and none is whole."""
    keeper = session.keeper
    kept = keeper.latest() if keeper else None
    if keeper and keeper.damaged and kept is None:
        session.progress.say("no checkpoint is whole: this training starts anew")
    return kept


def _begin(session: Session, phases: list[Phase]) -> None:
    """Draws new weights where the first phase wants them, and those of a discriminator."""
    if session.discriminator is None:
        session.discriminator = discriminator_for(session, phases)
    if phases[0].fresh and session.fresh is not None:
        session.network.trunk.load_state_dict(session.fresh())
        session.trunk_moved()
        session.progress.say("the trunk starts from random weights")


def _work_each(session: Session, phases: list[Phase], kept: Kept | None) -> None:
    """Works the phases that are left, the first one from a checkpoint if there is one."""
    for number in range(session.place.phase, len(phases)):
        session.coming = phases[number + 1 :]
        if session.best is not None and session.out_of_time and not session.place.done:
            break
        _work_phase(session, phases[number], kept)
        kept = None
        session.place = Place(phase=number + 1)
    _end(session)  # phases that there was no time for


def _end(session: Session) -> None:
    """Drops what was kept for phases that do not come."""
    session.coming = []
    leave(session)


def _note_table(session: Session, phase: Phase) -> None:
    """Says in the ledger what the block of the token table is, where stretches went before.

    These had the rows that their own texts use: their digests are of another table.
    """
    if not session.stretches or not isinstance(session.train.rows, TokenRows):
        return
    table = table_of(session.network.trunk)
    if table is None:
        return
    named = tensors_of(session.network.trunk)
    holding = [
        b for b in session.chain.blocks if any(named[n] is table.weight for n in b.parameters)
    ]
    digests = {b.name: digest_of(named, (*b.parameters, *b.buffers)) for b in holding}
    line = session.ledger.events[-1].line
    session.ledger.note(Event(session.step, phase.name, "table", line, digests))


@contextmanager
def small_table(session: Session, *, needed: bool = True) -> Iterator[None]:
    """Opens a stretch in which the token table holds only the rows that the texts use.

    Args:
        session: Its network and rows are changed for a while.
        needed: Whether anything of the trunk moves; else nothing is done.
    """
    names = ("train", "val", "source", "target", "lent")
    parts: dict[str, Examples] = {n: getattr(session, n) for n in names if getattr(session, n)}
    texts = {n: p.rows for n, p in parts.items() if isinstance(p.rows, TokenRows)}
    named = session.names if isinstance(session.names, TokenRows) else None
    found = [*texts.values(), *([named] if named is not None else [])]
    reduced = reduce_table(session.network.trunk, found) if found and needed else None
    if reduced is None:
        yield
        return
    for name, rows in texts.items():
        setattr(session, name, replace(parts[name], rows=reduced.renumbered(rows)))
    session.reduced = reduced
    if named is not None:
        session.names = reduced.renumbered(named)
    try:
        yield
    finally:
        reduced.restore()
        session.reduced = None
        session.names = named if named is not None else session.names
        for name, part in parts.items():
            setattr(session, name, part)


def _put_back(session: Session) -> None:
    """Puts the best checkpoint's weights into the network."""
    if session.best is not None:
        put_weights(session.network, session.best.state)


def _blocks(session: Session) -> dict[str, str]:
    if not session.options.watched:
        return {}
    trunk = session.network.trunk
    named = tensors_of(trunk)
    pieces = {name: digest_of(named, tensors) for name, tensors in session.pieces.items()}
    return {**block_digests(trunk, session.chain, line=session.top), **pieces}


def _note_restored(session: Session, blocks: dict[str, str], averaged: dict[str, str]) -> None:
    """Says in the ledger what was put back, what an average made of it, and what is left."""
    best = session.best
    if best is None or not session.options.watched:
        return
    line, left = session.ledger.events[-1].line, {"network": state_digest(session.network)}
    restored = blocks if averaged else {**blocks, **left}
    session.ledger.note(Event(best.step, best.phase, "restore", line, restored))
    if averaged:
        session.ledger.note(Event(best.step, best.phase, "average", line, {**averaged, **left}))


def _work_phase(session: Session, phase: Phase, kept: Kept | None) -> None:
    """Works a phase from its start, or from where a checkpoint broke it off."""
    if kept is None:
        draw_line(session, phase)
    if phase.line == session.top:
        train_head(session, phase)
    else:
        remember_head(session)
        _train_suffix(session, phase, kept)
    close_stretch(session)
    leave(session)


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
    decay = session.options.average
    average = None if decay is None else Average(session.network, decay)
    beside = Beside(scaler, freezer, average)
    if freezer is not None:
        freezer.before_first = partial(_keep_fork, session, beside)
    if kept is None:
        start_source_head(session, phase)
    else:
        restore_beside(beside, kept)
    aligner = aligner_for(session, phase, steps=steps)
    stepper = Stepper(session, phase, steps, beside, _clock(session, phase, steps), aligner)
    if session.keeper is not None:
        session.keeper.expect(KEPT * sum(p.nbytes for p in session.network.parameters()))
    while place.number <= phase.epochs and not _ended(stepper):
        record, better = epoch(stepper)
        session.records.append(record)
        session.progress.epoch(record)
        session.epoch += 1
        place.next_epoch(better=better)
        stepper.keep()
    if place.done < place.at:
        session.progress.say(f"{phase.name}: {place.done} of {steps} steps in the time there was")


def _keep_fork(session: Session, beside: Beside) -> None:
    """Keeps where the training stands before its first freeze, for a twin that never does."""
    if session.fork is None:
        return
    if not session.fork.save(checkpoint(session, replace(beside, freezer=None))):
        session.progress.say(f"there will be no control ({session.fork.trouble})")


def _planned(session: Session, phase: Phase) -> int:
    """Returns the optimiser steps of all of a phase's epochs."""
    first = session.epoch - session.place.number + 1
    counts = counted(session, phase, epochs=range(first, first + phase.epochs))
    return count_steps(counts, last_pass=phase.last_pass)


def _clock(session: Session, phase: Phase, steps: int) -> Clock:
    """Returns the clock of a phase that has its share of the time that is left, by its passes."""
    options, now = session.options, time.monotonic()
    if not options.anneal:
        return Clock()
    own = _passes(phase) * (1 - session.place.at / max(steps, 1))
    later = sum(_passes(each) for each in session.coming if each.line < session.top)
    left = options.deadline - _reserve(session) - now
    return Clock(now, now + left * own / max(own + later, 1e-9), session.place.at)


def _passes(phase: Phase) -> float:
    """Returns how many times a phase passes the training rows, others beside them counted in."""
    # A target that is seen without the source stands in its place.
    beside = phase.alignment is not None and phase.alignment.source
    return phase.passes * (1 + phase.mix + beside)


def _reserve(session: Session) -> float:
    """Returns the seconds of what follows: a last validation, passes for a head, an average."""
    val, options = session.val.rows.lengths.sum(), session.options
    if not val or all(each.line < session.top for each in session.coming):
        return options.reserve + options.averaging
    passes = 2 + session.train.rows.lengths.sum() / val
    return float(options.reserve * passes + options.averaging)


def _ended(stepper: Stepper) -> bool:
    """Says whether a phase ends early: as planned, by patience, by time, as nothing moves."""
    session, place = stepper.session, stepper.session.place
    if place.batch or (place.number == 1 and not stepper.idle):
        return False
    if stepper.idle:
        return True
    if place.number - 1 == stepper.phase.stop_after:
        return True
    if session.options.anneal:
        return session.enough(place.without) or stepper.due() >= stepper.steps
    return session.enough(place.without, seconds=session.records[-1].seconds)


def _line_words(session: Session, phase: Phase) -> str:
    if phase.line == 0:
        return "nothing frozen"
    return f"{phase.line} of {session.top} blocks frozen"
