"""Puts what was chosen into the network, in the open: ledger, proof, checkpoint."""

from dataclasses import replace

from torch import Tensor

from regraft.adaptation.preparation import Changed, put_tensors
from regraft.adaptation.scaling import Scaling, rebased
from regraft.backbones.chain import Chain
from regraft.backbones.graft import Grafted
from regraft.backbones.weights import state_of
from regraft.freezing.ledger import AFTER, BEFORE, Event, Kind
from regraft.freezing.proof import block_digests, digest, state_digest
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


def keep_trunk(trained: Trained, changed: Changed, *, name: str) -> None:
    """Puts into the trunk what a preparation made different, with an entry in the ledger.

    The entry says whether weights or buffers alone were exchanged, with the digests of every
    block afterwards and of all parameters before and afterwards.

    Args:
        trained: Source-only; its session's network and ledger are changed.
        changed: From the preparation; without tensors nothing is done.
        name: Of the method, as it was typed.
    """
    if not changed.tensors:
        return
    session = trained.session
    place = Event(session.step, name, "weights", session.top)
    event = exchanged(session.network, session.chain, changed=changed, place=place)
    session.trunk_moved()
    session.ledger.note(event)


def exchanged(network: Grafted, chain: Chain, *, changed: Changed, place: Event) -> Event:
    """Puts other tensors into a network's trunk; returns the entry of the ledger on it.

    Args:
        network: Whose trunk is changed.
        chain: The trunk's blocks.
        changed: From the preparation.
        place: Step, name and line of the entry.
    """
    trunk = network.trunk
    parameters: dict[str, Tensor] = dict(trunk.named_parameters())
    digests = {BEFORE: digest(parameters)}
    put_tensors(trunk, changed.tensors)
    digests |= block_digests(trunk, chain, line=chain.top)
    digests |= {AFTER: digest(parameters), "network": state_digest(network)}
    kind: Kind = "weights" if changed.tensors.keys() & parameters.keys() else "buffers"
    return replace(place, kind=kind, digests=digests)


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
    state = state_of(session.network)
    session.best = replace(session.best, phase=NAME, epoch=1, step=session.step, state=state)
    return replace(prepared, phases=[*prepared.phases, phase])
