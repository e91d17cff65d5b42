"""Makes what a session has behind it plain data, and hands it on to another session."""

from dataclasses import asdict
from typing import Any

import torch

from regraft.backbones.weights import load_into_network, state_of
from regraft.freezing.cost import Pace, Paces
from regraft.freezing.ledger import Check, Event
from regraft.freezing.proof import stretch_from_json
from regraft.freezing.threshold import Reading
from regraft.training.keeping.keeper import Kept
from regraft.training.progress import EpochRecord
from regraft.training.session import Best, Session

NETWORK = "network/"
START = "start/"


def history_of(session: Session) -> dict[str, Any]:
    """Returns steps, epochs, ledger, proof, costs and what the cache decided, as plain data."""
    return {
        "step": session.step,
        "epoch": session.epoch,
        "records": [asdict(record) for record in session.records],
        "events": session.ledger.as_json(),
        "checks": session.ledger.checks_as_json(),
        "stretches": [stretch.as_json() for stretch in session.stretches],
        "still": sorted(session.still),
        "pieces": {name: sorted(tensors) for name, tensors in session.pieces.items()},
        "paces": session.paces.as_json(),
        "kept": dict(session.cache.decided),
    }


def put_history(session: Session, content: dict[str, Any]) -> None:
    """Puts back what `history_of` gave.

    Args:
        session: Changed.
        content: From `history_of`, perhaps with more.
    """
    session.step, session.epoch = int(content["step"]), int(content["epoch"])
    session.records = [EpochRecord(**record) for record in content["records"]]
    session.ledger.events = [Event(**event) for event in content["events"]]
    session.ledger.checks = [_check(check) for check in content["checks"]]
    session.stretches = [stretch_from_json(each) for each in content["stretches"]]
    session.still = frozenset(content["still"])
    session.pieces = {name: frozenset(each) for name, each in content["pieces"].items()}
    session.paces = Paces([Pace(**pace) for pace in content["paces"]])
    session.cache.decided.update(content.get("kept", {}))


def handed_over(session: Session) -> Kept:
    """Returns what a session that is done leaves to another: its best network and its history.

    Where it knows how its trunk came, the other knows it too.

    Args:
        session: All of its phases are worked; the best checkpoint is in the network.
    """
    best = session.best
    assert best is not None, "a session that is done has a best epoch"
    # Not the best checkpoint's own copy: its token table may be the small one of a training.
    state = session.network.state_dict()
    tensors = {f"{NETWORK}{name}": tensor for name, tensor in state.items()}
    tensors |= {f"{START}{name}": tensor for name, tensor in session.start.items()}
    tensors["best logits"] = torch.from_numpy(best.val_logits)
    named = ("key", "phase", "epoch", "step", "share")
    place = {name: getattr(best, name) for name in named}
    content = {**history_of(session), "best": place}
    return Kept({name: t.detach().cpu().clone() for name, t in tensors.items()}, content)


def take_over(session: Session, kept: Kept) -> None:
    """Lets a session stand where another one ended, to go on with phases of its own.

    What the optimiser knew is left behind: it was of another loss.

    Args:
        session: Of the same network and rows; changed.
        kept: From `handed_over`.
    """
    put_history(session, kept.content)
    state, start = (_below(prefix, kept.tensors) for prefix in (NETWORK, START))
    load_into_network(session.network, state, source="what was kept of the run")
    session.start = {name: tensor.to(session.device) for name, tensor in start.items()}
    place = {**kept.content["best"], "key": tuple(kept.content["best"]["key"])}
    logits = kept.tensors["best logits"].numpy()
    session.best = Best(**place, state=state_of(session.network), val_logits=logits)
    session.trunk_moved()


def _below(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def _check(content: dict[str, Any]) -> Check:
    readings = tuple(Reading(**reading) for reading in content["readings"])
    return Check(**{**content, "readings": readings, "frozen": tuple(content["frozen"])})
