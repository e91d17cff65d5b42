"""Puts what was trained beside the trunk's layers into them, when training is over."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from regraft.backbones.backbone import Batch
from regraft.backbones.graft import Grafted
from regraft.backbones.splice import splice
from regraft.errors import GuardError
from regraft.freezing.ledger import Event
from regraft.freezing.proof import block_digests, state_digest
from regraft.training.session import Session

ROUNDING = 1e-5
"""Share of the largest feature by which a merge in fp32 may change one."""


def merge_into_trunk(
    session: Session, merging: Sequence[Callable[[nn.Module], None]], *, example: Batch
) -> None:
    """Merges, cuts the trunk anew, and says in the ledger what the network is now.

    Args:
        session: Its training is over.
        merging: Change the trunk in place; without any, nothing is done.
        example: A batch on which the network is cut.

    Raises:
        GuardError: If the network answers otherwise than before.
    """
    if not merging:
        return
    network, device = session.network, session.device
    network.to("cpu").eval()
    before = _answers(network, example)
    for merge in merging:
        merge(network.trunk)
    _check_same(before, _answers(network, example))
    session.chain = splice(network.trunk, example)
    network.to(device)
    last = session.ledger.events[-1]
    blocks = block_digests(network.trunk, session.chain, line=session.top)
    digests = {**blocks, "network": state_digest(network)}
    session.ledger.note(Event(session.step, last.phase, "merge", last.line, digests))


def _answers(network: Grafted, example: Batch) -> Tensor:
    with torch.no_grad():
        features: Tensor = network.features(example)
    return features


def _check_same(before: Tensor, after: Tensor) -> None:
    """Refuses a merge after which features differ by more than rounding does."""
    scale = max(1.0, float(before.abs().max()))
    gap = float((after - before).abs().max()) / scale
    if not gap <= ROUNDING:
        raise GuardError(
            f"merging the matrices changed what the network makes of a row by {gap:.1e} of it",
            expected=f"at most {ROUNDING:g}, as rounding does",
        )
