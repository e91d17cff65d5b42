"""Learns the source once more, from a trunk that was changed before any label was seen."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor

from regraft.adaptation.preparation import Changed, Given
from regraft.adaptation.table import make_method
from regraft.errors import SettingsError
from regraft.freezing.ledger import Event
from regraft.runs.adapting.features import domains_of
from regraft.runs.adapting.keeping import exchanged
from regraft.runs.adapting.trying import method_words
from regraft.runs.adapting.views import given_of
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.moving.source import Start, Work, judging_alone, train_source
from regraft.runs.moving.training import Ground, Moved, held_to, try_moving
from regraft.training.heads.head import probe_of
from regraft.training.keeping.history import handed_over
from regraft.training.keeping.keeper import Kept

State = Mapping[str, Tensor]


def came_of(prepared: Prepared) -> State:
    """Returns a copy of everything in the network as it stands."""
    return {name: t.detach().clone() for name, t in prepared.network.state_dict().items()}


def try_grounds(
    job: Work, after: Mapping[str, Sequence[str]], *, came: State, start: Start, alone: bool
) -> tuple[list[Moved], list[str]]:
    """Returns source-only on each changed trunk and the methods that go on from there.

    The words of those that diverged come second.

    Args:
        job: What is trained.
        after: Of each preparation, by its word, the methods behind it.
        came: The network before anything was learnt.
        start: Source-only on the trunk as it came, which all are held to.
        alone: Whether there is nothing else to choose from.

    Raises:
        SettingsError: If the only preparation diverged, or the only method behind it.
    """
    found: list[Moved] = []
    lost: list[str] = []
    for number, (word, names) in enumerate(after.items()):
        try:
            moved, diverged = _from_ground(job, word, names, (number, came), start)
        except SettingsError as error:
            if alone and len(after) == 1:
                raise
            job.progress.say(f"{word} is left out: {error}")
            moved, diverged = [], [word]
        found += moved
        lost += diverged
    return found, lost


def _from_ground(
    job: Work, word: str, names: Sequence[str], of: tuple[int, State], start: Start
) -> tuple[list[Moved], list[str]]:
    (number, came), began = of, time.perf_counter()
    job.prepared.network.load_state_dict(came)
    job.progress.say(f"{word}: before the source's labels are learnt")
    changed = _changed(job, word, unit=f"prepared-{number}")
    job = replace(job, prepared=_prepared(job.prepared, changed, word=word))
    unit = f"ground-{number}"
    trained = train_source(job, came=job.pools().source, unit=unit)
    pools, head = job.pools(), probe_of(job.prepared.network.head)
    own = domains_of(job.prepared, trained, pools=pools, target=job.target, start=head)
    # What all are held to has one estimate of the target's proportions.
    domains = replace(own, proportions=start.domains.proportions)
    ground = replace(start, kept=handed_over(trained.session), domains=domains, name=word)
    judged = held_to(start, word, own=judging_alone(domains))
    judged = replace(judged, seconds=time.perf_counter() - began)
    job.progress.say(method_words(judged))
    first = Moved(None, judged, pools, unit, Ground(trained, frozenset(changed.tensors)))
    found, lost = try_moving(job, names, start=ground, unit=f"{unit}-method")
    return [first, *(replace(moved, ground=first.ground) for moved in found)], lost


def _changed(job: Work, word: str, *, unit: str) -> Changed:
    """Returns what a preparation makes different of the trunk as it came; read where it is done."""
    preparation, given = make_method(word).preparation, _given(job)
    assert preparation is not None, "the word is one's"
    found: list[Changed] = []

    def made() -> Kept:
        found.append(preparation.prepare(given))
        return Kept(dict(found[0].tensors), {})

    kept = job.units.outcome(unit, made)
    if not (found or kept.tensors):  # rows alone are different: they are not kept
        made()
    return found[0] if found else Changed(kept.tensors)


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
