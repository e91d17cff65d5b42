"""Learns the source once more, from a trunk that was changed before any label was seen."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from regraft.adaptation.preparation import Changed, Given
from regraft.adaptation.table import SOURCE_ONLY, make_method
from regraft.backbones.weights import put_weights, state_of
from regraft.errors import DivergedError
from regraft.features.cached import Cache
from regraft.freezing.ledger import Event
from regraft.runs.adapting.features import domains_of
from regraft.runs.adapting.keeping import exchanged
from regraft.runs.adapting.trying import method_words
from regraft.runs.adapting.views import given_of
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.train import pool_parts
from regraft.runs.moving.source import Start, Work, judging_alone, train_source
from regraft.runs.moving.training import Ground, Moved, held_to, try_moving
from regraft.training.heads.head import probe_of
from regraft.training.keeping.history import handed_over
from regraft.training.keeping.keeper import Kept

State = Mapping[str, Tensor]


def came_of(prepared: Prepared) -> State:
    """Returns a copy of everything in the network as it stands."""
    return state_of(prepared.network)


def try_grounds(
    job: Work, after: Mapping[str, Sequence[str]], *, came: State, start: Start, alone: bool
) -> tuple[list[Moved], list[str]]:
    """Returns source-only on each changed trunk, where it was asked for, and what goes on from it.

    The words of those that diverged come second.

    Args:
        job: What is trained.
        after: Of each preparation, by its word, the methods behind it.
        came: The network before anything was learnt.
        start: Source-only on the trunk as it came, which all are held to.
        alone: Whether nothing else is tried.

    Raises:
        SettingsError: If a preparation cannot be used.
        DivergedError: If the only thing that is tried did.
    """
    found: list[Moved] = []
    lost: list[str] = []
    for number, (word, names) in enumerate(after.items()):
        put_weights(job.prepared.network, came)
        job.progress.say(f"{word}: before the source's labels are learnt")
        try:
            changed = _changed(job, word, unit=f"prepared-{number}")
            first, ground, own = _ground(job, word, changed, start=start, unit=f"ground-{number}")
        except DivergedError as error:
            if alone:
                raise
            job.progress.say(f"{word} is left out: {error}")
            lost += [word if name == SOURCE_ONLY else f"{word}+{name}" for name in names]
            continue
        wanted = [name for name in names if name != SOURCE_ONLY]
        unit = f"ground-{number}-method"
        moved, gone = try_moving(own, wanted, start=ground, alone=alone, unit=unit)
        found += [first] if SOURCE_ONLY in names else []
        found += [_from(first, each) for each in moved]
        lost += gone
    return found, lost


def _ground(
    job: Work, word: str, changed: "_Timed", *, start: Start, unit: str
) -> tuple[Moved, Start, Work]:
    """Trains source-only on the changed trunk; returns it judged, as a start, and its work."""
    prepared = _prepared(job.prepared, changed.made, word=word)
    job = replace(job, prepared=prepared)
    unshared = replace(prepared, cache=Cache(on=False))
    trained = train_source(job, came=pool_parts(unshared, job.verdict, test=None), unit=unit)
    pools, head = job.pools(), probe_of(prepared.network.head)
    own = domains_of(prepared, trained, pools=pools, target=job.target, start=head)
    # What all are held to has one estimate of the target's proportions.
    domains = replace(own, proportions=start.domains.proportions)
    ground = replace(start, kept=handed_over(trained.session), domains=domains, name=word)
    seconds = changed.seconds + float(job.units.read(unit).content["seconds"])
    judged = replace(held_to(start, word, own=judging_alone(domains)), seconds=seconds)
    job.progress.say(method_words(judged))
    names = frozenset(changed.made.tensors)
    return Moved(None, judged, pools, unit, Ground(trained, names)), ground, job


def _from(first: Moved, moved: Moved) -> Moved:
    """Returns a method that went on from a ground, with what that took."""
    seconds = first.judged.seconds + moved.judged.seconds
    return replace(moved, ground=first.ground, judged=replace(moved.judged, seconds=seconds))


@dataclass(frozen=True)
class _Timed:
    """What a preparation made, and the seconds it took."""

    made: Changed
    seconds: float


def _changed(job: Work, word: str, *, unit: str) -> _Timed:
    """Returns what a preparation makes different of the trunk as it came; read where it is done."""
    preparation, given = make_method(word).preparation, _given(job)
    assert preparation is not None, "the word is one's"
    found: list[Changed] = []

    def made() -> Kept:
        began = time.perf_counter()
        found.append(preparation.prepare(given))
        return Kept(dict(found[0].tensors), {"seconds": time.perf_counter() - began})

    kept = job.units.outcome(unit, made)
    if not (found or kept.tensors):  # rows alone are different: they are not kept
        made()
    changed = found[0] if found else Changed(kept.tensors)
    return _Timed(changed, float(kept.content["seconds"]))


def _given(job: Work) -> Given:
    return given_of(job.prepared, job.verdict, target=job.target)


def _prepared(prepared: Prepared, changed: Changed, *, word: str) -> Prepared:
    """Puts what is different into the network; returns what was prepared, with it and its entry."""
    opening = None
    if changed.tensors:
        place = Event(0, word, "weights", 0)
        opening = exchanged(prepared.network, prepared.chain, changed=changed, place=place)
    rows = {"train": changed.train, "val": changed.val}
    encoded = {part: rows.get(part) or found for part, found in prepared.encoded.items()}
    return replace(prepared, opening=opening, encoded=encoded)
