"""Puts the chosen classifier into the network, in the open: ledger, proof, checkpoint."""

from dataclasses import replace

from regraft.adaptation.scaling import Scaling, rebased
from regraft.freezing.ledger import Event
from regraft.freezing.proof import block_digests, state_digest
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.train import Trained
from regraft.training.heads.head import load_probe
from regraft.training.heads.probe import LinearProbe
from regraft.training.loop import small_table
from regraft.training.moving.lines import close_stretch, draw_line
from regraft.training.phase import Phase

NAME = "adapt"


def adapt_phase(prepared: Prepared) -> Phase:
    """Returns the phase in which the head follows the target, the whole trunk frozen."""
    top = prepared.chain.top
    return Phase(NAME, top, 1, 0.0, (0.0,) * top, 0.0)


def keep_classifier(
    prepared: Prepared, trained: Trained, *, probe: LinearProbe, start: LinearProbe
) -> Prepared:
    """Puts a classifier into the network's head; returns what was prepared, with its phase.

    The head keeps the source's standardisation, and its weights take the target's in: so
    the proof sees them move, and nothing else.

    Args:
        prepared: Of the source.
        trained: Source-only; its session's network, ledger and best checkpoint are changed.
        probe: The classifier for target features.
        start: The source-only classifier.
    """
    session, phase = trained.session, adapt_phase(prepared)
    # With the token table of the stretches before, so that their digests can be compared.
    moved = any(each.line < session.top for each in prepared.phases)
    with small_table(session, needed=moved):
        draw_line(session, phase)
        load_probe(session, rebased(probe, Scaling(start.shift, start.scale)))
        close_stretch(session)
        blocks = block_digests(session.network.trunk, session.chain, line=session.top)
    digests = {**blocks, "network": state_digest(session.network)}
    session.ledger.note(Event(session.step, NAME, "restore", session.top, digests))
    assert session.best is not None, "source-only was trained before"
    state = {name: t.detach().clone() for name, t in session.network.state_dict().items()}
    session.best = replace(session.best, phase=NAME, epoch=1, step=session.step, state=state)
    return replace(prepared, phases=[*prepared.phases, phase])
