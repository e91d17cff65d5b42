"""Makes source-only with a moving trunk, then each method from there, judged alike."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from regraft.adaptation.domains import Adapted, Domains
from regraft.adaptation.moving import moving_phase
from regraft.adaptation.selection import Judged, Signs, judge, signs_of
from regraft.backbones.graft import Grafted
from regraft.errors import SettingsError
from regraft.features.cached import Cache, pooled
from regraft.runs.adapting.features import Pools, pool_domains
from regraft.runs.adapting.target import Target
from regraft.runs.adapting.trying import method_words
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.sessions import examples, new_session
from regraft.runs.fitting.train import Pooled, Trained, train
from regraft.runs.moving.units import Units
from regraft.training.aligning.aligner import discriminator_for
from regraft.training.heads.head import probe_of
from regraft.training.heads.probe import Features, Labelled
from regraft.training.keeping.history import handed_over, take_over
from regraft.training.keeping.keeper import Kept
from regraft.training.loop import work
from regraft.training.phase import Phase
from regraft.training.precision import Verdict
from regraft.training.progress import EpochRecord, Progress
from regraft.training.session import Session, Verdicts

SOURCE = "source"


@dataclass(frozen=True)
class Work:
    """What the trainings of an adaptation have in common.

    Args:
        prepared: Of the source, with the phases of its strategy, and the target's rows: source-only
            knows them too, as the words that the token table keeps are the same throughout.
        verdict: Modes of training and inference.
        target: Its rows.
        units: Keep what is done.
        progress: Told of every step, epoch and method.
    """

    prepared: Prepared
    verdict: Verdict
    target: Target
    units: Units
    progress: Progress

    def session(self) -> Session:
        """Returns a session on the source's rows that has done nothing yet."""
        rows = (examples(self.prepared, "train"), examples(self.prepared, "val"))
        return new_session(self.prepared, self.verdict, rows=rows, progress=self.progress)

    def pools(self, *, training_rows: bool = True) -> Pools:
        """Returns the features of all rows by the trunk as it stands, which nobody else has.

        Args:
            training_rows: Whether those that train are among them.
        """
        encoded = dict(self.prepared.encoded)
        if not training_rows:
            encoded.pop("train")
        alone = replace(self.prepared, cache=Cache(on=False), encoded=encoded)
        return pool_domains(alone, self.verdict, target=self.target)


@dataclass(frozen=True)
class Start:
    """Source-only where its trunk has moved, and what every method from there on is held to.

    Args:
        kept: Its network and its history.
        domains: Both domains by its trunk; `start` is its head.
        space: The same rows by the trunk as it came, in which all answers are judged.
        signs: What it shows, judged as those that go on from it are.
    """

    kept: Kept
    domains: Domains
    space: Domains
    signs: Signs


@dataclass(frozen=True)
class Moved:
    """A method that moved the trunk.

    Args:
        phase: With its term.
        judged: Its classifier, on the features of its own trunk.
        pools: These.
        unit: Name of its training.
    """

    phase: Phase
    judged: Judged
    pools: Pools
    unit: str


def train_source(job: Work, *, came: Pooled) -> Trained:
    """Returns source-only, trained by its strategy; read where that is done already.

    Args:
        job: What is trained.
        came: Features of the trunk as it came, by part.
    """
    prepared, units = job.prepared, job.units
    found: list[Trained] = []

    def trained() -> Kept:
        found.append(
            train(
                prepared,
                job.verdict,
                pooled=came,
                progress=job.progress,
                keepers=(units.keeper(SOURCE), None),
            )
        )
        return _with_scores(found[0])

    kept = units.outcome(SOURCE, trained)
    return found[0] if found else _trained_from(job, kept)


def check_moving(job: Work, words: Sequence[str]) -> None:
    """Refuses methods that cannot move this network's trunk, before anything is trained.

    Raises:
        SettingsError: If one cannot (raised by `moving_phase` and `make_discriminator`).
    """
    for word in words:
        phase = moving_phase(word, job.prepared.phases, chain=job.prepared.chain)
        discriminator_for(job.session(), [phase])


def try_moving(job: Work, words: Sequence[str], *, start: Start) -> tuple[list[Moved], list[str]]:
    """Returns each method's network, judged without labels, and the words of those that diverged.

    Args:
        job: What is trained.
        words: Names of methods, perhaps with options.
        start: Source-only.

    Raises:
        SettingsError: If an option cannot be used, or the only method diverged.
    """
    prepared = job.prepared
    phases = [moving_phase(word, prepared.phases, chain=prepared.chain) for word in words]
    found: list[Moved] = []
    lost: list[str] = []
    for number, (word, phase) in enumerate(zip(words, phases, strict=True)):
        job.progress.say(f"{word}: the trunk moves on from source-only")
        unit = f"method-{number}"
        try:
            kept = job.units.outcome(unit, partial(_aligned, job, unit, phase, start))
        except SettingsError as error:  # it diverged: others may not
            if len(words) == 1:
                raise
            job.progress.say(f"{word} is left out: {error}")
            lost.append(word)
            continue
        moved = _judged(job, (word, phase, unit), kept, start)
        job.progress.say(method_words(moved.judged))
        found.append(moved)
    return found, lost


def start_of(trained: Trained, domains: Domains, *, space: Domains) -> Start:
    """Returns what every method that moves the trunk starts from and is held to.

    Args:
        trained: Source-only, its best weights in the network.
        domains: Both domains by its trunk, with its head.
        space: Both by the trunk as it came.
    """
    adapted = Adapted(domains.start, domains.start)
    signs = signs_of(adapted, _judging(domains), space=space)
    return Start(handed_over(trained.session), domains, space, signs)


def back_to(job: Work, kept: Kept, *, trained: Trained) -> Trained:
    """Returns what was trained, with a network and a history in the place of its own.

    Args:
        job: What is trained.
        kept: The network and the history.
        trained: Source-only: its scores out of fold stay where there are no validation rows.
    """
    session = job.session()
    take_over(session, kept)
    found = session.chosen_logits() if len(session.val) else trained.val_logits
    return replace(trained, session=session, val_logits=found, records=session.records)


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
    judged = _held_to(start, "", own)
    signs = {
        **judged.selection(),
        "guards": [name for name, reason in judged.objections.items() if reason],
    }
    return (float(not judged.reasons), judged.signs.information), signs


def _judged(job: Work, named: tuple[str, Phase, str], kept: Kept, start: Start) -> Moved:
    """Judges a method by its own features; rows that trained are passed only if they judge."""
    word, phase, unit = named
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
    judged = _held_to(start, word, own)
    return Moved(phase, replace(judged, seconds=float(kept.content["seconds"])), pools, unit)


def _own(start: Start, judging: Labelled, *, target: Features, network: Grafted) -> Domains:
    """Returns both domains by a network of its own, the source being the rows that judge."""
    domains, none = start.domains, Labelled(judging.features[:0], judging.labels[:0])
    head = probe_of(network.head)
    return replace(domains, source=judging, val=none, target=target, start=head)


def _held_to(start: Start, name: str, own: Domains) -> Judged:
    """Returns a network's own head, judged beside source-only."""
    return judge(
        name,
        Adapted(own.start, own.start),
        domains=own,
        start=start.signs,
        space=start.space,
    )


def _judging(domains: Domains) -> Domains:
    """Returns the domains with those source rows alone that judge: others need not be passed."""
    none = Labelled(domains.val.features[:0], domains.val.labels[:0])
    return replace(domains, source=domains.judging, val=none)


def _with_scores(trained: Trained) -> Kept:
    """Returns source-only with its scores, which in folds are not those of its session."""
    kept = handed_over(trained.session)
    scores = {
        "val logits": torch.from_numpy(trained.val_logits),
        "val labels": torch.from_numpy(trained.val_labels),
        "folds": torch.from_numpy(trained.folds),
    }
    records: list[dict[str, Any]] = [vars(record) for record in trained.records]
    return Kept({**kept.tensors, **scores}, {**kept.content, "scored": records})


def _trained_from(job: Work, kept: Kept) -> Trained:
    session = job.session()
    take_over(session, kept)
    records = [EpochRecord(**record) for record in kept.content["scored"]]
    logits, labels, folds = (
        kept.tensors[name].numpy() for name in ("val logits", "val labels", "folds")
    )
    return Trained(session, logits, labels, records, folds)
