"""Trains candidates on the run's own rows for `auto`, and makes the run of the one taken."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from regraft.backbones.weights import put_weights, state_of
from regraft.data.rows import Part
from regraft.errors import DamagedFileError, DivergedError
from regraft.runs.choosing.auto import BUDGET, SHARES, Candidate, Tried, halving
from regraft.runs.choosing.budget import estimate, nothing_to_choose, pass_seconds
from regraft.runs.fitting.folder import SETTINGS, RunFolder
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.record import keep_decisions, run_toml
from regraft.runs.fitting.train import Pooled, Trained, train, train_unjudged
from regraft.runs.trials.wanted import alike, taken_up, wanted_by
from regraft.strategies.table import AUTO, own_class
from regraft.training.keeping.keeper import Keeper
from regraft.training.precision import Verdict
from regraft.training.progress import Progress, Silent
from regraft.training.selecting import selection_key

PLACE = "auto.json"
PROBE = Candidate("head")
LINEAR, ALONE = "the linear probe", "the head alone"
"""What the head on the trunk as it came is called, and what one with hidden layers is."""
BELOW, DIVERGED = "ended below it", "diverged"
"""How what was taken at first ended, where the head alone took its place."""
LOST = 1e9
"""Log loss of a trial that diverged."""


@dataclass(frozen=True)
class Automatic:
    """What was chosen, and why.

    Args:
        taken: The candidate that the run trains whole.
        probe: The head alone, a linear probe where it has no hidden layers: what is taken must not
            be worse on validation.
        tried: All trials.
        seconds: That they took.
        floor: What the head alone is called.
        why: How what was taken at first ended, where the head alone took its place.
    """

    taken: Candidate
    probe: Tried
    tried: tuple[Tried, ...]
    seconds: float
    floor: str = LINEAR
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """Returns plain data, for `result.json` and for a run that goes on."""
        return {
            "taken": vars(self.taken),
            "probe": self.probe.as_json(),
            "tried": [each.as_json() for each in self.tried],
            "seconds": round(self.seconds, 3),
            "floor": self.floor,
            "why": self.why,
            "sentence": self._words(),
        }

    def _words(self) -> str:
        if self.taken == PROBE:
            first = "was left of the trials" if self.tried else "was taken without trials"
            reached = f"{self.floor}, {self.probe.score:.3f} on validation"
            return f"auto: {reached}: what {first} {self.why or f'{BELOW}, or {DIVERGED}'}"
        if not self.tried:
            return f"auto: {self.taken.words()}, without trials"
        last = {each.candidate: each for each in self.tried}
        others = [each for each in last.values() if each.candidate != self.taken]
        beaten = ", ".join(f"{each.candidate.words()} {each.score:.3f}" for each in others)
        mine = last[self.taken]
        return (
            f"auto: {self.taken.words()} reached {mine.score:.3f} on validation in "
            f"{mine.share:.0%} of its passes, before {beaten}; "
            f"{self.floor} {self.probe.score:.3f}"
        )


def automatic_from_json(text: str) -> Automatic:
    """Returns what `as_json` wrote down.

    Raises:
        DamagedFileError: If a strategy is code: `auto` tries none, so others have written it.
    """
    content = json.loads(text)
    tried = tuple(_tried(each) for each in content["tried"])
    taken = _candidate(content["taken"])
    probe, seconds = _tried(content["probe"]), float(content["seconds"])
    floor, why = content.get("floor", LINEAR), content.get("why", "")
    return Automatic(taken, probe, tried, seconds, floor, why)


@dataclass(frozen=True)
class Job:
    """What a run trains with.

    Args:
        folder: Of the run.
        prepared: Data and network.
        verdict: Modes of training and inference.
        pooled: Features of the trunk as it came, by part; may be empty.
        progress: Told of every step, epoch and trial.
        deadline: `time.monotonic()` at which training shall be over.
        keepers: Of checkpoints, and of the one that a control starts from.
    """

    folder: RunFolder
    prepared: Prepared
    verdict: Verdict
    pooled: Pooled
    progress: Progress
    deadline: float
    keepers: tuple[Keeper | None, Keeper | None]

    def train(self) -> Trained:
        """Returns the trained network, with scores of rows that it had not seen."""
        return train(
            self.prepared,
            self.verdict,
            pooled=self.pooled,
            progress=self.progress,
            deadline=self.deadline,
            keepers=self.keepers,
        )

    def train_alone(self) -> Trained:
        """Returns the trained network, scored only where that chooses something."""
        prepared = self.prepared
        if len(prepared.dataset.parts["val"]) or not nothing_to_choose(prepared):
            return self.train()
        return train_unjudged(
            prepared,
            self.verdict,
            pooled=self.pooled,
            progress=self.progress,
            deadline=self.deadline,
        )


def trained_as_asked(job: Job) -> tuple[Prepared, Trained, Automatic | None]:
    """Returns the trained network, with the strategy that was typed or the one chosen for it.

    A strategy that was chosen and diverges after all, or ends below the linear probe on
    validation rows, gives way to it: then the head alone is trained, on the trunk as it came.

    Args:
        job: What the run trains with.
    """
    automatic = _earlier(job)
    if job.prepared.settings.strategy == AUTO:
        automatic = automatic or choose_automatically(job)
        job = replace(job, prepared=taken_up(job.prepared, automatic.taken))
        _write_down(job, automatic)
    if automatic is None:
        return job.prepared, job.train_alone(), None
    start = state_of(job.prepared.network)
    trained, name = _trained(job), job.prepared.settings.strategy
    if trained is not None and not is_worse_than_probe(automatic, trained):
        return job.prepared, trained, _with_score(automatic, trained)
    told = "diverged" if trained is None else f"ends below {automatic.floor}"
    job.progress.say(f"{name} {told}: {automatic.floor if trained is None else 'that'} is kept")
    put_weights(job.prepared.network, start)
    for keeper in filter(None, job.keepers):
        keeper.clear()
    job = replace(job, prepared=taken_up(job.prepared, PROBE), keepers=(None, None))
    automatic = replace(automatic, taken=PROBE, why=DIVERGED if trained is None else BELOW)
    _write_down(job, automatic)
    kept = job.train()
    return job.prepared, kept, _with_score(automatic, kept)


def _with_score(automatic: Automatic, trained: Trained) -> Automatic:
    """Returns the same with the score of the head alone, where it is kept and was not tried."""
    if automatic.taken != PROBE or automatic.probe.share:
        return automatic
    score, minus = _scored(trained)
    return replace(automatic, probe=Tried(PROBE, 1.0, score, -minus, 0.0))


def _trained(job: Job) -> Trained | None:
    """Returns what was chosen, trained; None where it diverges with all of its passes."""
    try:
        return job.train()
    except DivergedError:
        return None


def _write_down(job: Job, automatic: Automatic) -> None:
    """Writes what was chosen into the run folder, for a run that goes on or is repeated."""
    job.folder.write(PLACE, json.dumps(automatic.as_json(), ensure_ascii=False))
    job.folder.write(SETTINGS, run_toml(job.prepared, job.verdict))
    keep_decisions(job.folder, job.prepared.cache.decided)


def choose_automatically(job: Job) -> Automatic:
    """Returns the candidate that successive halving leaves, by validation rows alone.

    The network is left as it came.

    Args:
        job: What the run trains with; its trials share the features.
    """
    started = time.monotonic()
    # What was estimated may take longer: then trials end, and are judged, before their time.
    stop = started + (1 - (1 - BUDGET) ** len(SHARES)) * (job.deadline - started)
    trial, wanted = partial(_trial, replace(job, deadline=stop)), wanted_by(job.prepared)
    floor = ALONE if job.prepared.network.head.hidden else LINEAR
    if _probe_seconds(job) > BUDGET * (job.deadline - started):
        job.progress.say(f"auto: no time to try anything: {wanted[0].words()} is taken")
        return Automatic(wanted[0], Tried(PROBE, 0.0, 0.0, LOST, 0.0), (), 0.0, floor)
    probe = trial(PROBE, 1.0)

    def affordable(some: Sequence[Candidate], share: float) -> bool:
        needed = sum(_seconds(job, each, share) for each in some)
        return needed <= BUDGET * (job.deadline - time.monotonic())

    def trained_as(some: Sequence[Candidate], share: float) -> list[Candidate]:
        return alike(job.prepared, some, share=share)

    taken, tried = halving(trial, wanted, affordable=affordable, alike=trained_as)
    made = Automatic(taken, probe, tuple(tried), time.monotonic() - started, floor)
    job.progress.say(made.as_json()["sentence"])
    return made


def _probe_seconds(job: Job) -> float:
    """Returns the seconds of the features that the linear probe needs, where there are none."""
    if job.pooled:
        return 0.0
    parts: tuple[Part, ...] = ("train", "val")
    return sum(pass_seconds(job.prepared, job.verdict, part=part) for part in parts)


def _earlier(job: Job) -> Automatic | None:
    """Returns what was chosen before the run was stopped, if it was."""
    place = job.folder.path / PLACE
    return automatic_from_json(place.read_text("utf-8")) if place.exists() else None


def is_worse_than_probe(automatic: Automatic, trained: Trained) -> bool:
    """Says whether what was trained falls below the linear probe on validation rows."""
    return _scored(trained)[0] < automatic.probe.score


def _scored(trained: Trained) -> tuple[float, float]:
    options = trained.session.options
    return selection_key(trained.val_logits, trained.val_labels, options=options)


def _trial(job: Job, candidate: Candidate, share: float) -> Tried:
    """Trains a candidate from the network as it came, and puts that back."""
    start, began = state_of(job.prepared.network), time.monotonic()
    variant = replace(job, prepared=taken_up(job.prepared, candidate, share=share))
    torch.manual_seed(job.prepared.settings.seed)
    alone = replace(variant, progress=Silent(), keepers=(None, None))
    try:
        score, minus = _scored(alone.train())
    except DivergedError:  # another one will be taken
        score, minus = 0.0, -LOST
    finally:
        put_weights(job.prepared.network, start)
    found = Tried(candidate, share, score, -minus, time.monotonic() - began)
    words = f"{candidate.words()}, {share:.0%} of its passes"
    job.progress.say(f"tried {words}: {score:.3f} on validation, {found.seconds:.0f} s")
    return found


def _seconds(job: Job, candidate: Candidate, share: float) -> float:
    variant = taken_up(job.prepared, candidate)
    phases = variant.phases
    return share * sum(estimate(variant, phase, verdict=job.verdict) for phase in phases)


def _tried(content: dict[str, Any]) -> Tried:
    plain = {name: value for name, value in content.items() if name != "words"}
    return Tried(**{**plain, "candidate": _candidate(content["candidate"])})


def _candidate(content: dict[str, Any]) -> Candidate:
    if own_class(content["strategy"]):
        raise DamagedFileError(
            f"{PLACE} names the strategy {content['strategy']!r}, which is code",
            expected="a strategy that auto tries",
        )
    return Candidate(**content)
