"""Moves the line while training goes on, with a witness from each move to the next."""

from typing import Any

from regraft.backbones.backbone import Batch
from regraft.features.pooled import to_device
from regraft.freezing.ledger import Event, Kind
from regraft.freezing.line import Above, frozen_at, move_line, of_blocks
from regraft.freezing.proof import block_digests, optimiser_digest
from regraft.freezing.rest import Rest
from regraft.freezing.witness import Witness, movers_of, pieces_of
from regraft.training.phase import Phase
from regraft.training.session import Session

SAMPLE = 4
"""Training rows that the frozen prefix has to answer the same throughout."""


def draw_line(session: Session, phase: Phase) -> None:
    """Moves the line to where a phase wants it, and opens its first stretch."""
    old = session.ledger.events[-1].line if session.ledger.events else 0
    before, session.still = session.still, frozenset(range(phase.line)) | phase.still
    concerned = max([old - 1, *before, *session.still], default=-1) + 1
    _move(session, phase, "thaw" if phase.line < old else "freeze", concerned=concerned)


def freeze_blocks(
    session: Session, phase: Phase, *, blocks: frozenset[int], rest: Rest | None = None
) -> None:
    """Freezes further blocks in the middle of a phase: one stretch ends, the next begins.

    Args:
        session: Its line moves.
        phase: That is worked.
        blocks: Their numbers.
        rest: Where they come to rest between the two; None = where they are.
    """
    close_stretch(session)
    if rest is not None:
        held = frozen_at(session.chain, line=line_of(session), above=frozen_above(session))
        rest.settle(blocks, but=held.parameters | held.buffers)
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


def witness_again(session: Session, seen: dict[str, Any]) -> Witness:
    """Returns the witness of the stretch that a checkpoint broke off, watching again."""
    frozen = frozen_at(session.chain, line=line_of(session), above=frozen_above(session))
    kept = {**seen, "movers": tuple(seen["movers"]), "prefix": list(seen["prefix"])}
    return Witness(
        session.network, session.chain, frozen, session.optimiser, sample_of(session), **kept
    ).again()


def sample_of(session: Session) -> Batch:
    """Returns the batch of a few short training rows, on the network's device."""
    rows = session.train.rows
    shortest = rows.lengths.argsort(kind="stable")[:SAMPLE]
    return to_device(rows.batch(shortest), session.device)


def _move(session: Session, phase: Phase, kind: Kind, *, concerned: int) -> None:
    """Moves the line to what `session.still` says; the ledger gets the blocks' digests.

    The digests are of all blocks below either place of the line: those that were frozen
    until now, and those that are from now on.
    """
    line, above = line_of(session), frozen_above(session)
    move_line(session.network, session.chain, line=line, above=above)
    if not session.options.watched:
        session.ledger.note(Event(session.step, phase.name, kind, line))
        return
    digests = block_digests(session.network.trunk, session.chain, line=concerned)
    session.ledger.note(Event(session.step, phase.name, kind, line, digests))
    frozen = frozen_at(session.chain, line=line, above=above)
    session.pieces |= pieces_of(session.chain, frozen)
    left, aligned = session.left_state, phase.alignment
    session.witness = Witness(
        session.network,
        session.chain,
        frozen,
        session.optimiser,
        sample_of(session),
        phase.name,
        session.step,
        movers_of(
            session.chain,
            frozen,
            rate=lambda number: phase.rates[number],
            head=phase.loss == "classes" and not (aligned and not aligned.source),
        ),
        left is None or left == optimiser_digest(session.optimiser),
        solved=phase.line == session.top and not _solved_before(session),
    ).open()


def _solved_before(session: Session) -> bool:
    """Says whether a head was solved for the trunk as it stands: it would be so again."""
    return bool(session.stretches) and session.stretches[-1].start == session.stretches[-1].stop
