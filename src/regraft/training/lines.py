"""Moves the line while training goes on, with a witness of every stretch between two moves."""

from regraft.features.pooled import to_device
from regraft.freezing.ledger import Event, Kind
from regraft.freezing.line import Above, move_line, of_blocks
from regraft.freezing.proof import block_digests, optimiser_digest
from regraft.freezing.witness import observe
from regraft.training.phase import Phase
from regraft.training.session import Session

SAMPLE = 4
"""Training rows that the frozen prefix has to answer the same throughout."""


def draw_line(session: Session, phase: Phase) -> None:
    """Moves the line to where a phase wants it, and opens its first stretch."""
    old = session.ledger.events[-1].line if session.ledger.events else 0
    session.still = frozenset(range(phase.line))
    _move(session, phase, "thaw" if phase.line < old else "freeze", concerned=max(old, phase.line))


def freeze_blocks(session: Session, phase: Phase, blocks: frozenset[int]) -> None:
    """Freezes further blocks in the middle of a phase: one stretch ends, the next begins."""
    close_stretch(session)
    session.still = session.still | blocks
    _move(session, phase, "threshold", concerned=max(session.still) + 1)


def close_stretch(session: Session) -> None:
    """Ends the stretch that is open, if one is."""
    if session.witness is not None:
        session.stretches.append(session.witness.close(session.step))
        session.left_state = optimiser_digest(session.witness.optimiser)
        session.witness = None


def line_of(session: Session) -> int:
    """Returns the line: the number of blocks frozen from the bottom up."""
    line = 0
    while line in session.still:
        line += 1
    return line


def frozen_above(session: Session) -> Above:
    """Returns what is frozen besides the blocks below the line."""
    higher = frozenset(number for number in session.still if number > line_of(session))
    return session.options.above | of_blocks(session.chain, higher)


def _move(session: Session, phase: Phase, kind: Kind, *, concerned: int) -> None:
    """Moves the line to what `session.still` says; the ledger gets the blocks' digests.

    The digests are of all blocks below either place of the line: those that were frozen
    until now, and those that are from now on.
    """
    line, above = line_of(session), frozen_above(session)
    move_line(session.network, session.chain, line=line, above=above)
    digests = block_digests(session.network.trunk, session.chain, line=concerned)
    session.ledger.note(Event(session.step, phase.name, kind, line, digests))
    rows = session.train.rows
    sample = rows.batch(rows.lengths.argsort(kind="stable")[:SAMPLE])
    session.witness = observe(
        session.network,
        session.chain,
        line=line,
        above=above,
        optimiser=session.optimiser,
        sample=to_device(sample, session.device),
        phase=phase.name,
        step=session.step,
        rates=phase.rates,
        left_state=session.left_state,
    )
