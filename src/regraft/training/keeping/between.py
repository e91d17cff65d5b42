"""Makes a network that lies between where a training started and where it ended."""

from dataclasses import replace

import torch
from torch import Tensor

from regraft.backbones.weights import put_weights
from regraft.training.phase import Phase
from regraft.training.selecting import selection_key
from regraft.training.session import Session

SHARES = tuple(number / 10 for number in range(10, -1, -1))
"""Shares of the way that are tried on validation rows, the whole way first: ties keep it."""
State = dict[str, Tensor]


def remember_start(session: Session, phases: list[Phase]) -> None:
    """Keeps the trunk's weights as they came, where a phase asks for them and nobody gave them."""
    if not session.start and any(phase.pull[0] or phase.average for phase in phases):
        trunk = session.network.trunk.state_dict()
        session.start = {name: tensor.detach().clone() for name, tensor in trunk.items()}


def remember_head(session: Session) -> None:
    """Keeps the head that was found before the trunk moved for the first time.

    Where no phase came before there is none: a random head is no start.
    """
    if session.start and session.place.phase and not session.start_head:
        head = session.network.head.state_dict()
        session.start_head = {name: tensor.detach().clone() for name, tensor in head.items()}


def between(start: State, end: State, *, share: float) -> State:
    """Returns start + share · (end − start); what is equal, or has no start, stays as it ends.

    >>> found = between({"w": torch.zeros(1)}, {"w": torch.full((1,), 4.0)}, share=0.25)
    >>> found["w"].item()
    1.0
    """
    return {name: _between(start.get(name), tensor, share) for name, tensor in end.items()}


def average_with_start(session: Session) -> bool:
    """Puts the best network between start and end into the session; says whether it could.

    A start without a head keeps that of the end.

    Args:
        session: Its network is the best checkpoint's.
    """
    best = session.best
    if best is None or not len(session.val) or not session.options.penalty_on_val:
        session.progress.say("not averaged: there are no rows to choose how far")
        return False
    start = {f"trunk.{name}": tensor for name, tensor in session.start.items()}
    start |= {f"head.{name}": tensor for name, tensor in session.start_head.items()}
    found = []
    for share in SHARES:
        put_weights(session.network, between(start, best.state, share=share))
        answers = session.evaluate()
        key = selection_key(answers, session.val.labels, options=session.options)
        found.append((key, share, answers))
    key, share, answers = max(found, key=lambda each: each[0])
    state = between(start, best.state, share=share)
    put_weights(session.network, state)
    session.best = replace(best, key=key, state=state, val_logits=answers, share=share)
    session.progress.say(f"averaged: {share:g} of the way from start to end")
    return True


def _between(start: Tensor | None, end: Tensor, share: float) -> Tensor:
    if start is None or share == 1 or not end.is_floating_point():
        return end.clone()
    begun = start.to(end.device)
    return end.clone() if torch.equal(begun, end) else begun + share * (end - begun)
