"""Makes source-only with a moving trunk: what every method goes on from and is held to."""

import time
from dataclasses import dataclass, replace
from typing import Any

import torch

from regraft.adaptation.domains import Adapted, Domains
from regraft.adaptation.labelled import repeats
from regraft.adaptation.selection import Signs, signs_of
from regraft.features.cached import Cache
from regraft.runs.adapting.features import Pools, check_finite, pool_domains
from regraft.runs.adapting.target import Target
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.sessions import examples, new_session
from regraft.runs.fitting.train import Pooled, Trained, train
from regraft.runs.moving.units import Units
from regraft.training.heads.probe import Labelled
from regraft.training.keeping.checkpoint import rows_digest
from regraft.training.keeping.history import handed_over, take_over
from regraft.training.keeping.keeper import Kept
from regraft.training.precision import Verdict
from regraft.training.progress import EpochRecord, Progress
from regraft.training.session import Examples, Session

SOURCE = "source"


def digest_of(prepared: Prepared, target: Target) -> str:
    """Returns the digest of what an adaptation learns from: a stopped one needs the same.

    Args:
        prepared: Of the source.
        target: Its rows; of their labels only those that may be learnt from count.
    """
    own = Examples(target.encoded, target.rows.labels)
    offered = Examples(target.encoded.take(target.offered), target.answers)
    return rows_digest((examples(prepared, "train"), examples(prepared, "val"), own, offered))


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
        lent: Labelled rows of the target, which methods that move the trunk learn beside the
            source's: source-only does not. None = there are none.
    """

    prepared: Prepared
    verdict: Verdict
    target: Target
    units: Units
    progress: Progress
    lent: Examples | None = None

    def session(self) -> Session:
        """Returns a session on the source's rows that has done nothing yet."""
        rows = (examples(self.prepared, "train"), examples(self.prepared, "val"))
        session = new_session(self.prepared, self.verdict, rows=rows, progress=self.progress)
        if self.lent is not None:
            session.lent = self.lent
            session.lent_times = repeats(len(self.lent), len(session.train))
        return session

    def pools(self, *, training_rows: bool = True) -> Pools:
        """Returns the features of all rows by the trunk as it stands, which nobody else has.

        Args:
            training_rows: Whether those that train are among them.

        Raises:
            DivergedError: If one of them is no finite number (raised by `check_finite`).
        """
        encoded = dict(self.prepared.encoded)
        if not training_rows:
            encoded.pop("train")
        alone = replace(self.prepared, cache=Cache(on=False), encoded=encoded)
        pools = pool_domains(alone, self.verdict, target=self.target)
        check_finite([*pools.judged, pools.target], whose="the trunk that moved")
        return pools


@dataclass(frozen=True)
class Start:
    """Source-only where its trunk has moved, and what every method from there on is held to.

    Args:
        kept: Its network and its history.
        domains: Both domains by its trunk; `start` is its head.
        space: The same rows by the trunk as it came, in which all answers are judged.
        signs: What it shows, judged as those that go on from it are; of source-only on a
            changed trunk, those of source-only all the same.
        name: Of the preparation that changed the trunk, before a plus; empty = none did.
    """

    kept: Kept
    domains: Domains
    space: Domains
    signs: Signs
    name: str = ""

    def named(self, word: str) -> str:
        """Returns the name of a method that goes on from here."""
        return f"{self.name}+{word}" if self.name else word


def train_source(job: Work, *, came: Pooled, unit: str = SOURCE) -> Trained:
    """Returns source-only, trained by its strategy; read where that is done already.

    Args:
        job: What is trained.
        came: Features of the trunk as it is now, by part.
        unit: Name of the training.
    """
    prepared, units = job.prepared, job.units
    found: list[Trained] = []

    def trained() -> Kept:
        began = time.perf_counter()
        found.append(
            train(
                prepared,
                job.verdict,
                pooled=came,
                progress=job.progress,
                keepers=(units.keeper(unit), None),
            )
        )
        return _with_scores(found[0], time.perf_counter() - began)

    kept = units.outcome(unit, trained)
    return found[0] if found else _trained_from(job, kept)


def start_of(trained: Trained, domains: Domains, *, space: Domains) -> Start:
    """Returns what every method that moves the trunk starts from and is held to.

    Args:
        trained: Source-only, its best weights in the network.
        domains: Both domains by its trunk, with its head.
        space: Both by the trunk as it came.
    """
    adapted = Adapted(domains.start, domains.start)
    signs = signs_of(adapted, judging_alone(domains), space=space)
    return Start(handed_over(trained.session), domains, space, signs)


def judging_alone(domains: Domains) -> Domains:
    """Returns the domains with those source rows alone that judge: others need not be passed."""
    none = Labelled(domains.val.features[:0], domains.val.labels[:0])
    return replace(domains, source=domains.judging, val=none)


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


def _with_scores(trained: Trained, seconds: float) -> Kept:
    """Returns source-only with its scores, which in folds are not those of its session."""
    kept = handed_over(trained.session)
    scores = {
        "val logits": torch.from_numpy(trained.val_logits),
        "val labels": torch.from_numpy(trained.val_labels),
        "folds": torch.from_numpy(trained.folds),
    }
    records: list[dict[str, Any]] = [vars(record) for record in trained.records]
    beside = {"scored": records, "seconds": seconds}
    return Kept({**kept.tensors, **scores}, {**kept.content, **beside})


def _trained_from(job: Work, kept: Kept) -> Trained:
    session = job.session()
    take_over(session, kept)
    records = [EpochRecord(**record) for record in kept.content["scored"]]
    logits, labels, folds = (
        kept.tensors[name].numpy() for name in ("val logits", "val labels", "folds")
    )
    return Trained(session, logits, labels, records, folds)
