"""Decides between source-only, methods on its features and methods that move its trunk on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from regraft.adaptation.decision import choose, with_right
from regraft.adaptation.labelled import right_unseen
from regraft.adaptation.selection import Judged
from regraft.adaptation.table import SOURCE_ONLY
from regraft.features.cached import Cache
from regraft.runs.adapting.document import Adaptation
from regraft.runs.adapting.features import Pools, domains_of, pool_domains, without_lost
from regraft.runs.adapting.keeping import keep_classifier, keep_trunk
from regraft.runs.adapting.labels import Drawn, draw_labelled, draw_places
from regraft.runs.adapting.target import Target
from regraft.runs.adapting.trying import Known, try_methods
from regraft.runs.adapting.views import View, Views, views_of
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.train import Trained
from regraft.runs.moving.asked import Asked
from regraft.runs.moving.grounds import State, came_of, try_grounds
from regraft.runs.moving.source import Start, Work, back_to, start_of, train_source
from regraft.runs.moving.training import Moved, check_moving, try_moving
from regraft.training.heads.head import probe_of

Seconds = dict[str, float]
DRAWN = "labelled"
"""Name under which the places of labelled rows are kept."""


def adapted_by_moving(work: Work, asked: Asked, *, seconds: Seconds) -> Adaptation:
    """Returns what an adaptation came to whose source was trained with a moving trunk.

    What is chosen is in the network when it does.

    Args:
        work: What is trained.
        asked: The methods to try.
        seconds: Gets those of each stretch.

    Raises:
        SettingsError: If a method cannot move this network's trunk, or a training diverged.
    """
    say, work = work.progress.say, _on(work, work.target)
    check_moving(work, asked)
    say("computing the features of the trunk as it came once")
    with spent(seconds, "probe"):
        work, came = _as_it_came(work)
    prepared, target = work.prepared, work.target
    state = came_of(prepared) if asked.after else {}
    with spent(seconds, "train"):
        trained = train_source(work, came=came.source)
    with spent(seconds, "adapt"):
        head, pools = probe_of(prepared.network.head), work.pools()
        domains = domains_of(prepared, trained, pools=pools, target=target, start=head)
        probe = domains_of(prepared, trained, pools=came, target=target)
        # Everything is judged in one space, which no training has bent.
        space = replace(probe, proportions=domains.proportions)
        start = start_of(trained, domains, space=space)
        moves = bool(asked.moving or asked.following)
        places = partial(draw_places, target, pools.target, domains=domains)
        # Kept: a run that goes on elsewhere would draw others where two classes are as likely.
        drawn = draw_labelled(target, lambda: work.units.rows(DRAWN, places), say=say, once=moves)
        # Nobody else has the features of a trunk that moved.
        unshared = replace(prepared, cache=Cache(on=False))
        views = views_of(unshared, work.verdict, target=target, base=View(domains, pools))
        views = replace(views, space=space)
        own = replace(work, lent=drawn.lent)
        judged, moved, lost = _tried(own, asked, start=start, drawn=drawn, views=views, came=state)
    decision = choose(judged, lost=lost)
    say(decision.reason)
    prepared, trained = _kept(work, decision.chosen, moved, of=(start, trained, views))
    return Adaptation(
        prepared,
        trained,
        domains,
        judged,
        decision,
        pools,
        drawn.target,
        moved=moved,
        came=(probe, came),
        views=views,
        drawn=drawn,
    )


def _tried(
    work: Work, asked: Asked, *, start: Start, drawn: Drawn, views: Views, came: State
) -> tuple[list[Judged], dict[str, Moved], list[str]]:
    """Returns every method judged, those that moved the trunk by word, and words of those lost.

    Args:
        work: With the labelled rows that the trunk learns from.
        asked: The methods.
        start: Source-only.
        drawn: The labelled rows of the target.
        views: What methods on features see.
        came: The network before anything was learnt.
    """
    alone, compared = asked.alone, asked.compared
    judged, lost = try_methods(
        start.domains,
        asked.on_features,
        say=work.progress.say,
        views=views,
        known=Known(lambda word: drawn.known(views.of(word).pools.target), drawn.once, compared),
        alone=alone,
    )
    found, diverged = try_moving(work, asked.moving, start=start, alone=alone)
    more, gone = try_grounds(work, asked.after, came=came, start=start, alone=alone)
    moved = {each.judged.name: each for each in (*found, *more)}
    judged += [
        _with_labels(each, drawn, start=judged[0], compared=compared) for each in moved.values()
    ]
    return judged, moved, [*lost, *diverged, *gone]


def _as_it_came(work: Work) -> tuple[Work, Pools]:
    """Returns the features of the trunk as it came, and the work on the rows that have some."""
    pools = pool_domains(work.prepared, work.verdict, target=work.target)
    prepared, say = work.prepared, work.progress.say
    pools, target = without_lost(pools, work.target, prepared=prepared, say=say)
    return _on(work, target), pools


def _on(work: Work, target: Target) -> Work:
    """Returns the work with a target, whose rows the trainings know."""
    prepared = replace(work.prepared, target=target.encoded.take(target.used))
    return replace(work, prepared=prepared, target=target)


def _kept(
    work: Work, chosen: Judged, moved: dict[str, Moved], *, of: tuple[Start, Trained, Views]
) -> tuple[Prepared, Trained]:
    """Puts what is chosen into the network; returns it with its phases and its history.

    Args:
        work: What is trained.
        chosen: Source-only, a method on its features, or one that moved the trunk.
        moved: These; the one that is kept gets the features of the rows that trained too.
        of: Source-only: what all start from, its training, and what methods on features saw.
    """
    prepared, (start, trained, views) = work.prepared, of
    if chosen.name in moved:
        kept = moved[chosen.name]
        trained = kept.ground.trained if kept.ground else trained
        trained = back_to(work, work.units.read(kept.unit), trained=trained)
        moved[chosen.name] = replace(kept, pools=work.pools())
        return replace(prepared, phases=[*prepared.phases, *filter(None, [kept.phase])]), trained
    trained = back_to(work, start.kept, trained=trained)
    if chosen.name == SOURCE_ONLY:
        return prepared, trained
    changed = views.of(chosen.name).changed
    if changed is not None:
        keep_trunk(trained, changed, name=chosen.name)
    head, linear = start.domains.start, chosen.adapted.on_target
    return keep_classifier(prepared, trained, probe=linear, start=head), trained


def _with_labels(moved: Moved, drawn: Drawn, *, start: Judged, compared: int) -> Judged:
    """Returns a method with what those labelled target rows say of it that it has not seen."""
    known = drawn.known(moved.pools.target)
    right = right_unseen(moved.judged.adapted.on_target, known=known, once=drawn.once)
    return with_right(moved.judged, right, start=start, compared=compared)


@contextmanager
def spent(seconds: Seconds, name: str) -> Iterator[None]:
    """Opens a stretch whose seconds are noted.

    Args:
        seconds: Gets them.
        name: Under which.
    """
    start = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - start
