"""Puts what was trained beside the trunk's layers into them, when training is over."""

from collections.abc import Callable, Sequence

from torch import nn

from regraft.backbones.backbone import Batch
from regraft.backbones.splice import splice
from regraft.freezing.ledger import Event
from regraft.freezing.proof import state_digest
from regraft.training.session import Session


def merge_into_trunk(
    session: Session, merging: Sequence[Callable[[nn.Module], None]], *, example: Batch
) -> None:
    """Merges, cuts the trunk anew, and says in the ledger what the network is now.

    Args:
        session: Its training is over.
        merging: Change the trunk in place; without any, nothing is done.
        example: A batch on which the network is cut.
    """
    if not merging:
        return
    network, device = session.network, session.device
    network.to("cpu")
    for merge in merging:
        merge(network.trunk)
    session.chain = splice(network.trunk, example)
    network.to(device)
    last = session.ledger.events[-1]
    digests = {"network": state_digest(network)}
    session.ledger.note(Event(session.step, last.phase, "merge", last.line, digests))
