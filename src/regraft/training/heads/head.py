"""Makes a trained head from features computed once, the whole trunk frozen."""

import time
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regraft.backbones.graft import Head
from regraft.backbones.weights import state_of
from regraft.errors import counted
from regraft.features.cached import pooled
from regraft.features.pooled import head_logits
from regraft.losses.cross_entropy import cross_entropy
from regraft.scoring import metrics
from regraft.training.heads.probe import (
    USUAL_STRENGTH,
    Labelled,
    LinearProbe,
    fit_probe,
    solve_probe,
)
from regraft.training.heads.prototypes import class_means, class_names
from regraft.training.heads.sample import sample_rows
from regraft.training.optimiser import make_head_optimiser
from regraft.training.phase import Phase
from regraft.training.progress import EpochRecord
from regraft.training.schedule import rate_share
from regraft.training.selecting import check_features
from regraft.training.session import Session

Logits = npt.NDArray[np.float32]


def train_head(session: Session, phase: Phase) -> None:
    """Trains the head on the trunk's features: a linear one is solved, others take steps.

    Args:
        session: Its network's head and its records are changed.
        phase: With its line at the top of the trunk.

    Raises:
        DivergedError: If an earlier phase has spoilt the trunk.
    """
    start = time.perf_counter()
    classes = session.network.head.classes
    parts = _parts(session, phase)
    for part in (parts.train, parts.val):
        check_features(part.features)
    val = parts.val if session.options.penalty_on_val and len(session.val) else None
    probe = _solved(session, phase, (parts.train, val), classes)
    if session.network.head.hidden:
        _standardise(session.network.head, probe)
        _train_hidden(session, phase, parts)
        return
    load_probe(session, probe)
    best = _record(session, phase, parts, (1, start, 0.0))
    if phase.refit and best and val is not None:  # rows of a fold stay held out
        _refit(session, parts, probe.strength)


def _refit(session: Session, parts: "_Parts", strength: float) -> None:
    """Solves the head once more, on the validation rows too, with the penalty they chose.

    What was said of these rows stays what the head before it answered: it had not seen them.
    """
    both = (parts.train, parts.val)
    features = np.concatenate([part.features for part in both])
    labels = np.concatenate([part.labels for part in both])
    classes, weights = session.network.head.classes, session.options.class_weights
    rows = Labelled(features, labels)
    load_probe(session, solve_probe(rows, classes, strength=strength, weights=weights))
    assert session.best is not None, "the head before was kept"
    session.best = replace(session.best, state=state_of(session.network))
    session.progress.say(
        f"solved once more on train and val, {counted(len(labels), 'row')}; "
        "the scores of val are those of the head before"
    )


def _solved(
    session: Session, phase: Phase, parts: tuple[Labelled, Labelled | None], classes: int
) -> LinearProbe:
    train, val = parts
    if phase.solving == "means":
        return class_means(train, classes, val=val)
    if phase.solving == "names":
        assert session.names is not None, "encoded where a phase asks for them"
        named = pooled(session.level(session.top), session.names, cache=session.cache)
        return class_names(train.features, named)
    weights = session.options.class_weights
    if session.network.head.hidden:  # which is trained: only the scale of the features is taken
        return solve_probe(train, classes, strength=USUAL_STRENGTH, weights=weights)
    return fit_probe(train, classes, val=val, weights=weights)


@dataclass(frozen=True)
class _Parts:
    """Features and labels of the rows that a phase trains on and of those that choose."""

    train: Labelled
    val: Labelled


def _parts(session: Session, phase: Phase) -> _Parts:
    labels = session.train.labels
    picked = None
    if phase.rows is not None and phase.rows < len(labels):
        picked = sample_rows(labels, phase.rows, seed=session.options.seed)
    train = session.pooled("train", picked)
    val = session.pooled("val") if len(session.val) else train[:0]
    units = session.train.units
    if picked is not None:
        labels, units = labels[picked], None if units is None else units[picked]
    return _Parts(Labelled(train, labels, units), Labelled(val, session.val.labels))


def load_probe(session: Session, probe: LinearProbe) -> None:
    """Puts a solved linear classifier into the head."""
    put_probe(session.network.head, probe)


def put_probe(head: Head, probe: LinearProbe) -> None:
    """Puts a solved linear classifier into a head without hidden layers."""
    _standardise(head, probe)
    with torch.no_grad():
        head.last.weight.copy_(torch.from_numpy(probe.weight))
        head.last.bias.copy_(torch.from_numpy(probe.bias))


def probe_of(head: Head) -> LinearProbe:
    """Returns a head without hidden layers as the linear classifier that it is."""
    tensors = (head.shift, head.scale, head.last.weight, head.last.bias)
    shift, scale, weight, bias = (t.detach().float().cpu().numpy().copy() for t in tensors)
    return LinearProbe(shift, scale, weight, bias, USUAL_STRENGTH)


def _standardise(head: Head, probe: LinearProbe) -> None:
    head.standardise(torch.from_numpy(probe.shift), torch.from_numpy(probe.scale))


def _train_hidden(session: Session, phase: Phase, parts: _Parts) -> None:
    """Trains a head with hidden layers by steps on the features."""
    head, kind = session.network.head, session.options.optimizer
    optimiser = make_head_optimiser(head, phase, kind=kind)
    steps = phase.epochs * -(-len(parts.train.labels) // session.options.head_batch_size)
    session.progress.start_phase(phase.name, "trunk frozen", steps=steps)
    done, without = 0, 0
    for number in range(1, phase.epochs + 1):
        start = time.perf_counter()
        stepper = _Stepper(session, phase, optimiser, steps)
        done, rate = _hidden_epoch(stepper, parts.train, done)
        without = 0 if _record(session, phase, parts, (number, start, rate)) else without + 1
        seconds = session.records[-1].seconds
        if number == phase.stop_after or session.enough(without, seconds=seconds):
            break


@dataclass(frozen=True)
class _Stepper:
    """What every step on features needs."""

    session: Session
    phase: Phase
    optimiser: torch.optim.Optimizer
    steps: int


def _hidden_epoch(stepper: _Stepper, train: Labelled, done: int) -> tuple[int, float]:
    """Takes the steps of one pass; returns the steps done and the last rate."""
    session, rate = stepper.session, stepper.phase.head_rate
    features = torch.from_numpy(train.features).to(session.device)
    labels = torch.from_numpy(train.labels).to(session.device)
    generator = torch.Generator().manual_seed(session.options.seed * 1_000_003 + done)
    session.network.head.train()
    order = torch.randperm(len(labels), generator=generator)
    for indices in order.split(session.options.head_batch_size):
        rate = stepper.phase.head_rate * rate_share(stepper.phase, done, steps=stepper.steps)
        loss = _hidden_step(stepper, features[indices], labels[indices], (done, rate))
        done += 1
        session.progress.step(done, rate=rate, loss=loss)
    return done, rate


def _hidden_step(
    stepper: _Stepper, features: Tensor, labels: Tensor, at: tuple[int, float]
) -> float:
    """Takes one step at (steps done, rate); returns the loss."""
    session, optimiser = stepper.session, stepper.optimiser
    for group in optimiser.param_groups:
        group["lr"] = at[1]
    torch.manual_seed(session.options.seed * 1_000_003 + at[0])
    loss = cross_entropy(session.network.head(features), labels, weights=session.weights())
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
    return float(loss.detach())


def _record(
    session: Session, phase: Phase, parts: _Parts, trained: tuple[int, float, float]
) -> bool:
    """Scores both parts, notes the epoch; says whether it is the best.

    `trained` is the number of the epoch, when it started, and its last rate.
    """
    number, start, rate = trained
    seconds = time.perf_counter() - start
    seen = metrics.loss_and_accuracy(_head_logits(session, parts.train), parts.train.labels)
    val_logits = _head_logits(session, parts.val)
    better = session.consider(phase.name, number, val_logits=val_logits)
    val_loss, val_accuracy = metrics.loss_and_accuracy(val_logits, parts.val.labels)
    record = EpochRecord(
        phase=phase.name,
        epoch=number,
        epochs=phase.epochs if session.network.head.hidden else 1,
        train_loss=seen[0] or 0.0,
        train_accuracy=seen[1] or 0.0,
        val_loss=val_loss,
        val_accuracy=val_accuracy,
        seconds=time.perf_counter() - start,
        rows_per_second=len(parts.train.labels) / max(seconds, 1e-9),
        rate=rate,
        best=better,
    )
    session.records.append(record)
    session.progress.epoch(record)
    return better


def _head_logits(session: Session, rows: Labelled) -> Logits:
    """Returns the head's (N, K) logits on features."""
    head = session.network.head.eval()
    if not len(rows.labels):
        return np.zeros((0, head.classes), np.float32)
    return head_logits(head, rows.features, device=session.device)
