"""Decides where batches enter the network, and follows the line when it moves up."""

from regraft.data.encode import Encoded
from regraft.features import shelf
from regraft.features.prefixed import Prefixed, decide, feed
from regraft.training.batching.order import turns
from regraft.training.moving.lines import line_of
from regraft.training.phase import Phase
from regraft.training.session import Session


def enter(session: Session, phase: Phase, *, rows: Encoded) -> Encoded | Prefixed:
    """Returns what the steps of an epoch read: the rows, or what the frozen prefix made.

    An epoch that has begun goes on where it entered, though blocks froze since: so that a
    resumed one reads the same numbers.

    Args:
        session: At the start of an epoch, or in the middle of one that is gone on with.
        phase: Its length tells whether keeping pays.
        rows: Those of training, as the epoch shows them.
    """
    line = line_of(session)
    if session.decided is None or (session.decided[0] != line and not session.place.batch):
        _decide(session, phase, rows, line)
    assert session.decided is not None, "just decided"
    at, pays = session.decided
    if not pays:
        session.entry = None
    elif session.entry is None or session.entry.line != at:  # else its key is known
        session.entry = session.level(at)
    if session.entry is not None and at > phase.line:
        session.passing.add(session.entry.key)
    return entering_rows(session, rows)


def entering_rows(session: Session, rows: Encoded) -> Encoded | Prefixed:
    """Returns rows as they enter where it was decided, for whatever else an epoch reads."""
    if session.entry is None:
        return rows
    return feed(session.entry, rows, cache=session.cache, lower=session.lower)


def leave(session: Session) -> None:
    """Ends a phase for what its batches entered with.

    Where the next line is not lower, what is kept stays to be carried on from.
    """
    following = session.coming[0].line if session.coming else 0
    levels = (session.entry, session.lower)  # the higher one first
    left = (level for level in levels if level is not None and level.line <= following)
    session.lower = next(left, None)
    session.entry = session.decided = None
    _drop_passing(session)


def _decide(session: Session, phase: Phase, rows: Encoded, line: int) -> None:
    """Decides where this and the next epochs enter: by the clock, or after what was decided.

    What is kept at a lower line is carried on from, whatever a clock says now; but not for
    a single epoch, nor where nothing but the head moves any more.
    """
    left = phase.epochs - session.place.number + 1
    views = turns(session, phase) or left
    if session.decided is not None and session.decided[1]:
        if views < left and line < session.top and session.level(line).by_rows(rows):
            # Not the entry: a training that goes on has none yet.
            session.lower = session.level(session.decided[0])
            _drop_passing(session)
            session.decided = (line, True)
        return
    pays = decide(session.level(line), rows, cache=session.cache, epochs=left, views=views)
    session.decided = (line, pays)


def _drop_passing(session: Session) -> None:
    """Drops what was kept at lines that a phase came to, but for what is carried on from.

    No other run has these weights.
    """
    kept: set[str] = set() if session.lower is None else {session.lower.key}
    for key in session.passing - kept:
        shelf.empty(key)
    session.passing &= kept
