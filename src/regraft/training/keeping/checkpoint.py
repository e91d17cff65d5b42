"""Makes a checkpoint from a session between two steps, and the session from it again."""

import hashlib
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from regraft.backbones.weights import load_into_network
from regraft.data.encode import Encoded
from regraft.data.texts import TokenRows
from regraft.errors import DataError
from regraft.freezing.line import move_line
from regraft.training.keeping.average import Average
from regraft.training.keeping.history import history_of, put_history
from regraft.training.keeping.keeper import Kept
from regraft.training.keeping.place import place_from_json
from regraft.training.moving.freezer import Freezer
from regraft.training.moving.lines import frozen_above, line_of, witness_again
from regraft.training.session import Best, Examples, Session

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Beside:
    """What a phase has beside its session, from its first step to its last.

    Args:
        scaler: Of the gradients of half numbers.
        freezer: What watches the blocks' journeys, if anything does.
        average: Of the weights, if one is kept.
    """

    scaler: torch.amp.GradScaler
    freezer: Freezer | None = None
    average: Average | None = None

    def before_step(self) -> None:
        """Looks at the gradients of a step, before they are clipped."""
        if self.freezer:
            self.freezer.before_step()

    def step(self, optimiser: torch.optim.Optimizer) -> bool:
        """Takes a step; says whether: it is left out where half numbers overflowed."""
        before = self.scaler.get_scale()
        self.scaler.step(optimiser)
        self.scaler.update()
        return self.scaler.get_scale() >= before

    def after_step(self, at: int, loss: float) -> None:
        """Takes the schedule's step that was taken, and its loss; blocks may freeze by it."""
        if self.average:
            self.average.after_step()
        if self.freezer:
            self.freezer.after_step(at, loss)


def checkpoint(session: Session, beside: Beside) -> Kept:
    """Returns everything that the next step and all after it depend on.

    Args:
        session: Between two steps.
        beside: What the phase has beside it.
    """
    freezer, average = beside.freezer, beside.average
    tensors = {
        **_named("network", session.network.state_dict()),
        **_named("optimiser", _optimiser_state(session.optimiser)),
    }
    content: dict[str, Any] = {
        "data": _digest_once(session),
        "place": session.place.as_json(),
        **history_of(session),
        "seconds_left": _seconds_left(session),
        "piece": session.piece,
        "decided": session.decided,
        "passing": sorted(session.passing),
        "left_state": session.left_state,
        "witness": session.witness.as_json() if session.witness else None,
        "scaler": beside.scaler.state_dict(),
        "averaged": average.steps if average else None,
        "best": None,
        "freezer": None,
    }
    if session.best is not None:
        best = session.best
        tensors |= _named("best", best.state)
        tensors["best logits"] = torch.from_numpy(best.val_logits)
        content["best"] = {
            "key": best.key,
            "phase": best.phase,
            "epoch": best.epoch,
            "step": best.step,
        }
    tensors |= _named("start head", session.start_head)
    if session.source_head is not None:
        tensors |= _named("source head", session.source_head.state_dict())
    if session.discriminator is not None:
        tensors |= _named("discriminator", session.discriminator.state_dict())
    if average is not None:
        tensors |= _named("average", average.averages)
    if freezer is not None:
        tensors |= _named("journey", freezer.tensors())
        content["freezer"] = freezer.as_json()
    return Kept({name: t.detach().cpu().clone() for name, t in tensors.items()}, content)


def restore(session: Session, kept: Kept) -> None:
    """Puts a fresh session where the checkpoint was made; what is beside it comes apart.

    Args:
        session: Made from the same settings and data, nothing done.
        kept: From `checkpoint`.

    Raises:
        DataError: If the rows are not those of the checkpoint.
    """
    content = kept.content
    check_rows(content["data"], now=_digest_once(session))
    load_into_network(session.network, _under(kept.tensors, "network"), source="the checkpoint")
    _load_optimiser(session.optimiser, _under(kept.tensors, "optimiser"))
    session.place = place_from_json(content["place"])
    put_history(session, content)
    if content["seconds_left"] is not None:
        deadline = time.monotonic() + float(content["seconds_left"])
        # Work after the checkpoint that was lost has taken its time too.
        deadline = min(deadline, session.options.deadline)
        session.options = replace(session.options, deadline=deadline)
    session.piece = int(content["piece"])
    if content["decided"] is not None:
        line, pays = content["decided"]
        session.decided = (int(line), bool(pays))
    session.passing = set(content.get("passing", ()))
    session.left_state = content["left_state"]
    if content["best"] is not None:
        best = {**content["best"], "key": tuple(content["best"]["key"])}
        logits = kept.tensors["best logits"].numpy()
        session.best = Best(**best, state=_under(kept.tensors, "best"), val_logits=logits)
    session.start_head = _under(kept.tensors, "start head")
    if session.source_head is not None:
        session.source_head.load_state_dict(_under(kept.tensors, "source head"))
    if session.discriminator is not None:
        session.discriminator.load_state_dict(_under(kept.tensors, "discriminator"))
    line = line_of(session)
    move_line(session.network, session.chain, line=line, above=frozen_above(session))
    if content["witness"] is not None:
        session.witness = witness_again(session, content["witness"])


def restore_beside(beside: Beside, kept: Kept) -> None:
    """Puts what a phase has beside its session where the checkpoint was made."""
    content, tensors = kept.content, kept.tensors
    beside.scaler.load_state_dict(content["scaler"])
    if beside.freezer is not None and content["freezer"] is not None:
        beside.freezer.restore(_under(tensors, "journey"), content["freezer"])
    if beside.average is not None and content["averaged"] is not None:
        beside.average.restore(_under(tensors, "average"), content["averaged"])


def data_digest(session: Session) -> str:
    """Returns the digest of the rows and labels that move weights or choose them."""
    others = (session.source, session.target, session.lent)
    return rows_digest(filter(None, (session.train, session.val, *others)))


def rows_digest(parts: Iterable[Examples]) -> str:
    """Returns the SHA-256 of rows and their labels, part after part."""
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(np.ascontiguousarray(part.labels).data)
        for array in _arrays(part.rows):
            hashed.update(np.ascontiguousarray(array).data)
    return hashed.hexdigest()


def check_rows(was: str, *, now: str) -> None:
    """Refuses other rows than those of the run that is gone on with.

    Args:
        was: Their digest then.
        now: Of the rows that are read.

    Raises:
        DataError: If the two differ.
    """
    if was != now:
        raise DataError(
            "the rows are not those that the run was started with",
            expected="the same data, unchanged",
            hint="the same command with another --out starts anew",
        )


def _digest_once(session: Session) -> str:
    """Returns the digest of the session's rows: they stay the same, and are many."""
    session.digest = session.digest or data_digest(session)
    return session.digest


def _seconds_left(session: Session) -> float | None:
    """Returns what is left of the time budget, or None where there is none."""
    left = session.options.deadline - time.monotonic()
    return left if math.isfinite(left) else None


def _arrays(rows: Encoded) -> tuple[Any, ...]:
    return (rows.tokens, rows.starts) if isinstance(rows, TokenRows) else (rows.pixels,)


def _optimiser_state(optimiser: torch.optim.Optimizer) -> Tensors:
    """Returns the moments and counters by the number of the parameter in the groups."""
    members = [p for group in optimiser.param_groups for p in group["params"]]
    return {
        f"{number}.{name}": value
        for number, parameter in enumerate(members)
        for name, value in optimiser.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def _load_optimiser(optimiser: torch.optim.Optimizer, tensors: Tensors) -> None:
    members = [(p, group) for group in optimiser.param_groups for p in group["params"]]
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        parameter, group = members[int(number)]
        # A fused step wants its counters beside the weights, any other on the processor.
        beside = value.dim() > 0 or bool(group.get("fused"))
        moved = value.to(parameter.device) if beside else value
        if parameter.is_contiguous(memory_format=torch.channels_last) and value.dim() == 4:
            moved = moved.contiguous(memory_format=torch.channels_last)
        optimiser.state[parameter][name] = moved


def _named(prefix: str, tensors: Tensors) -> Tensors:
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def _under(tensors: Tensors, prefix: str) -> Tensors:
    start = f"{prefix}/"
    return {n.removeprefix(start): t for n, t in tensors.items() if n.startswith(start)}
