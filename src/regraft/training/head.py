"""Makes a trained head from features computed once, the whole trunk frozen."""

import time

import numpy as np
import numpy.typing as npt
import torch

from regraft.losses.cross_entropy import cross_entropy
from regraft.scoring import metrics
from regraft.training.phase import Phase
from regraft.training.probe import Labelled, LinearProbe, fit_probe
from regraft.training.progress import EpochRecord
from regraft.training.schedule import rate_share
from regraft.training.session import Session

Logits = npt.NDArray[np.float32]


def train_head(session: Session, phase: Phase) -> None:
    """Trains the head on the trunk's features: a linear one is solved, others take steps.

    Args:
        session: Its network's head and its records are changed.
        phase: With its line at the top of the trunk.
    """
    start = time.perf_counter()
    classes = session.network.head.classes
    train = Labelled(session.pooled("train"), session.train.labels)
    choosing = session.options.penalty_on_val and len(session.val)
    val = Labelled(session.pooled("val"), session.val.labels) if choosing else None
    probe = fit_probe(train, classes, val=val, weights=session.options.class_weights)
    if session.network.head.hidden:
        _standardise(session, probe)
        _train_hidden(session, phase)
        return
    load_probe(session, probe)
    _record(session, phase, 1, (start, 0.0))


def load_probe(session: Session, probe: LinearProbe) -> None:
    """Puts a solved linear classifier into the head."""
    _standardise(session, probe)
    head = session.network.head
    with torch.no_grad():
        head.last.weight.copy_(torch.from_numpy(probe.weight))
        head.last.bias.copy_(torch.from_numpy(probe.bias))


def _standardise(session: Session, probe: LinearProbe) -> None:
    shift, scale = torch.from_numpy(probe.shift), torch.from_numpy(probe.scale)
    session.network.head.standardise(shift, scale)


def _train_hidden(session: Session, phase: Phase) -> None:
    """Trains a head with hidden layers by steps on the features."""
    optimiser = _optimiser(session, phase)
    steps = phase.epochs * -(-len(session.train) // session.options.head_batch_size)
    session.progress.start_phase(phase.name, "trunk frozen", steps=steps)
    done, without = 0, 0
    for number in range(1, phase.epochs + 1):
        start = time.perf_counter()
        done, rate = _hidden_epoch(session, phase, optimiser, (done, steps))
        without = 0 if _record(session, phase, number, (start, rate)) else without + 1
        seconds = session.records[-1].seconds
        if number == phase.stop_after or session.enough(without, seconds=seconds):
            break


def _optimiser(session: Session, phase: Phase) -> torch.optim.Optimizer:
    parameters, decay = session.network.head.parameters(), phase.weight_decay
    if session.options.optimizer == "sgd":
        return torch.optim.SGD(
            parameters, lr=phase.head_rate, momentum=0.9, nesterov=True, weight_decay=decay
        )
    return torch.optim.AdamW(parameters, lr=phase.head_rate, weight_decay=decay)


def _hidden_epoch(
    session: Session, phase: Phase, optimiser: torch.optim.Optimizer, count: tuple[int, int]
) -> tuple[int, float]:
    """Takes the steps of one pass; returns the steps done and the last rate."""
    done, steps = count
    rate = phase.head_rate
    features = torch.from_numpy(session.pooled("train")).to(session.device)
    labels = torch.from_numpy(session.train.labels).to(session.device)
    generator = torch.Generator().manual_seed(session.options.seed * 1_000_003 + done)
    weights, size = session.weights(), session.options.head_batch_size
    session.network.head.train()
    for indices in torch.randperm(len(labels), generator=generator).split(size):
        rate = phase.head_rate * rate_share(phase, done, steps=steps)
        for group in optimiser.param_groups:
            group["lr"] = rate
        torch.manual_seed(session.options.seed * 1_000_003 + done)
        loss = cross_entropy(
            session.network.head(features[indices]), labels[indices], weights=weights
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        done += 1
        session.progress.step(done, rate=rate, loss=float(loss.detach()))
    return done, rate


def _record(session: Session, phase: Phase, number: int, trained: tuple[float, float]) -> bool:
    """Scores both parts on their features, notes the epoch; says whether it is the best."""
    start, rate = trained
    seconds = time.perf_counter() - start
    train_loss, train_accuracy = _scored(session, "train", session.train.labels)
    val_logits = _head_logits(session, "val")
    better = session.consider(phase.name, number, val_logits=val_logits)
    val_loss, val_accuracy = _scored(session, "val", session.val.labels)
    record = EpochRecord(
        phase=phase.name,
        epoch=number,
        epochs=phase.epochs if session.network.head.hidden else 1,
        train_loss=train_loss or 0.0,
        train_accuracy=train_accuracy or 0.0,
        val_loss=val_loss,
        val_accuracy=val_accuracy,
        seconds=time.perf_counter() - start,
        rows_per_second=len(session.train) / max(seconds, 1e-9),
        rate=rate,
        best=better,
    )
    session.records.append(record)
    session.progress.epoch(record)
    return better


def _scored(
    session: Session, part: str, labels: npt.NDArray[np.int64]
) -> tuple[float | None, float | None]:
    return metrics.loss_and_accuracy(_head_logits(session, part), labels)


def _head_logits(session: Session, part: str) -> Logits:
    """Returns the head's (N, K) logits on a part's features."""
    if part == "val" and not len(session.val):
        return np.zeros((0, session.network.head.classes), np.float32)
    head = session.network.head.eval()
    features = torch.from_numpy(session.pooled(part)).to(session.device)
    with torch.inference_mode():
        found: Logits = head(features).float().cpu().numpy()
    return found
