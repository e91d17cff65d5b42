"""Trains each method that moves the trunk on from source-only, and judges all alike."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from regraft.adaptation.domains import Adapted, Domains
from regraft.adaptation.moving import moving_phase
from regraft.adaptation.selection import Judged, judge
from regraft.adaptation.table import make_method
from regraft.adaptation.tapt import Tapt
from regraft.backbones.graft import Grafted
from regraft.errors import DivergedError, SettingsError
from regraft.features.cached import Cache, pooled
from regraft.features.pooled import to_device
from regraft.runs.adapting.features import Pools
from regraft.runs.adapting.trying import method_words
from regraft.runs.fitting.train import Trained
from regraft.runs.moving.asked import Asked
from regraft.runs.moving.paired import paired
from regraft.runs.moving.source import Start, Work
from regraft.training.aligning.aligner import discriminator_for
from regraft.training.aligning.tap import lies_by_rows
from regraft.training.heads.head import probe_of
from regraft.training.heads.probe import Features, Labelled
from regraft.training.keeping.history import handed_over, take_over
from regraft.training.keeping.keeper import Kept
from regraft.training.loop import work
from regraft.training.phase import Phase
from regraft.training.session import Session, Verdicts


@dataclass(frozen=True)
class Ground:
    """Source-only on a trunk that a preparation changed before any label was seen.

    Args:
        trained: With its scores on the source.
        names: Of the tensors that were changed.
    """

    trained: Trained
    names: frozenset[str]


@dataclass(frozen=True)
class Moved:
    """A method that moved the trunk.

    Args:
        phase: With its term; None = source-only, on a trunk that a preparation changed.
        judged: Its classifier, on the features of its own trunk.
        pools: These.
        unit: Name of its training.
        ground: What came before, where a preparation did; None = source-only.
    """

    phase: Phase | None
    judged: Judged
    pools: Pools
    unit: str
    ground: Ground | None = None


def check_moving(job: Work, asked: Asked) -> None:
    """Refuses methods that cannot move this network's trunk, before anything is trained.

    Raises:
        SettingsError: If one cannot (raised by `moving_phase` and `make_discriminator`), or if
            a preparation would train weights that the strategy draws anew, or features do not
            lie at a position as they are read there.
    """
    undone = [word for word in asked.after if isinstance(make_method(word).preparation, Tapt)]
    if undone and job.prepared.phases[0].fresh:
        raise SettingsError(
            f"{undone[0]} cannot be used with a strategy that starts from random weights",
            hint="--strategy two-stage",
        )
    for word in (*asked.moving, *asked.following):
        phase = moving_phase(word, job.prepared.phases, chain=job.prepared.chain)
        session = job.session()
        _check_position(word, phase, session=session)
        discriminator_for(session, [phase])


def _check_position(word: str, phase: Phase, *, session: Session) -> None:
    """Refuses a position whose features lie otherwise than they would be read there."""
    assert phase.alignment is not None, "a method that moves the trunk aligns"
    position, rows = phase.alignment.position, session.train.rows
    if position is None:
        return
    # Some networks fill short texts up, and others long ones.
    for row in (rows.lengths.argmin(), rows.lengths.argmax()):
        batch = to_device(rows.batch(np.array([row])), session.device)
        if not lies_by_rows(session.network, session.chain, position=position, batch=batch):
            raise SettingsError(
                f"{word} cannot be used: at position {position} this network's features do not lie "
                "row by row, and token by token in each",
                expected="another position, or none",
            )


def try_moving(
    job: Work, words: Sequence[str], *, start: Start, alone: bool, unit: str = "method"
) -> tuple[list[Moved], list[str]]:
    """Returns each method's network, judged without labels, and the words of those that diverged.

    Args:
        job: What is trained.
        words: Names of methods, perhaps with options.
        start: Source-only.
        alone: Whether nothing else is tried.
        unit: Name of the trainings, before a number.

    Raises:
        SettingsError: If an option cannot be used.
        DivergedError: If the only method did.
    """
    prepared = job.prepared
    made = [moving_phase(word, prepared.phases, chain=prepared.chain) for word in words]
    phases = [paired(phase, prepared) for phase in made]
    found: list[Moved] = []
    lost: list[str] = []
    for number, (word, phase) in enumerate(zip(words, phases, strict=True)):
        name, place = start.named(word), f"{unit}-{number}"
        job.progress.say(f"{name}: the trunk moves on from {start.name or 'source-only'}")
        try:
            kept = job.units.outcome(place, partial(_aligned, job, place, phase, start))
            judged, pools = _judged(job, name, kept, start)
        except DivergedError as error:  # others may not
            if alone:
                raise
            job.progress.say(f"{name} is left out: {error}")
            lost.append(name)
            continue
        job.progress.say(method_words(judged))
        found.append(Moved(phase, judged, pools, place))
    return found, lost


def held_to(start: Start, name: str, *, own: Domains) -> Judged:
    """Returns a network's own head, judged beside source-only."""
    return judge(
        name,
        Adapted(own.start, own.start),
        domains=own,
        start=start.signs,
        space=start.space,
    )


def _aligned(job: Work, unit: str, phase: Phase, start: Start) -> Kept:
    """Trains one method from source-only on, its epoch chosen without a label of the target."""
    began = time.perf_counter()
    session = job.session()
    take_over(session, start.kept)
    session.best = None
    session.proportions = torch.from_numpy(start.domains.proportions.astype(np.float32))
    session.criterion = lambda now: _verdict(now, start)
    session.keeper = job.units.keeper(unit)
    work(session, [phase])
    kept = handed_over(session)
    return Kept(kept.tensors, {**kept.content, "seconds": time.perf_counter() - began})


def _verdict(session: Session, start: Start) -> Verdicts:
    """Judges a network as it stands in training: guards first, then information."""
    rows = {"val": session.val, "train": session.train}["val" if len(session.val) else "train"]
    assert session.target is not None, "a phase that aligns has a target"
    level = session.level(session.top)
    source, target = (
        pooled(level, each, cache=Cache(on=False)) for each in (rows.rows, session.target.rows)
    )
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        return (-np.inf, -np.inf), {}
    own = _own(start, Labelled(source, rows.labels), target=target, network=session.network)
    judged = held_to(start, "", own=own)
    signs = {
        **judged.selection(),
        "guards": [name for name, reason in judged.objections.items() if reason],
    }
    return (float(not judged.reasons), judged.signs.information), signs


def _judged(job: Work, name: str, kept: Kept, start: Start) -> tuple[Judged, Pools]:
    """Judges a method by its own features; rows that trained are passed only if they judge."""
    take_over(job.session(), kept)
    domains, held = start.domains, len(start.domains.val.labels) > 0
    pools = job.pools(training_rows=not held)
    labels = domains.judging.labels
    own = _own(
        start,
        Labelled(pools.part("val" if held else "train"), labels),
        target=pools.target[job.target.used],
        network=job.prepared.network,
    )
    judged = held_to(start, name, own=own)
    return replace(judged, seconds=float(kept.content["seconds"])), pools


def _own(start: Start, judging: Labelled, *, target: Features, network: Grafted) -> Domains:
    """Returns both domains by a network of its own, the source being the rows that judge."""
    domains, none = start.domains, Labelled(judging.features[:0], judging.labels[:0])
    head = probe_of(network.head)
    return replace(domains, source=judging, val=none, target=target, start=head)
