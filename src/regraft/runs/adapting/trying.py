"""Tries methods one after another, and says of each what it came to."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from regraft.adaptation.decision import with_right
from regraft.adaptation.domains import Adapted, Domains, Method
from regraft.adaptation.labelled import NOBODY, right_answers, with_labelled
from regraft.adaptation.numbers import NotFiniteError
from regraft.adaptation.selection import Judged, judge
from regraft.adaptation.table import make_method
from regraft.data.starters.wheels import Say
from regraft.errors import DivergedError
from regraft.runs.adapting.views import Views
from regraft.training.heads.probe import Labelled, LinearProbe


def _nobody(word: str) -> Labelled:
    """Returns that no label of the target is known, whatever the method."""
    return NOBODY


@dataclass(frozen=True)
class Known:
    """Labelled rows of the target: they are learnt from, and judge.

    Args:
        of: Gives them by a method's word, as it sees them.
        once: Whether one half of them alone judges, as where the trunk is moved too.
        compared: How many methods are held to source-only, here and elsewhere.
    """

    of: Callable[[str], Labelled] = _nobody
    once: bool = False
    compared: int = 1


NOTHING = Known()


def try_methods(
    domains: Domains,
    names: Sequence[str],
    *,
    say: Say,
    views: Views | None = None,
    known: Known = NOTHING,
    alone: bool = False,
) -> tuple[list[Judged], list[str]]:
    """Returns each method's classifier, judged without target labels but those that are known.

    Of several methods those that diverge are left out; their words come second.

    Args:
        domains: Features of both.
        names: Words of the methods, `source-only` first.
        say: Told one line a method.
        views: What each method sees where some follow a preparation, and where answers are judged;
            None = the domains.
        known: Labelled rows of the target.
        alone: Whether nothing else is tried, here or elsewhere.

    Raises:
        DivergedError: If the only method, or `source-only`, diverged, as options may make it.
    """
    found: list[Judged] = []
    lost: list[str] = []
    space = views.space if views else None
    for name in names:
        started = time.perf_counter()
        method = _Watched(name, make_method(name).method)
        try:
            seen, rows = views.of(name).domains if views else domains, known.of(name)
            adapted = method.adapt(with_labelled(seen, rows))
            right = right_answers(method, seen, known=rows, once=known.once)
        except DivergedError as error:
            if alone or not found:
                raise
            say(f"{name} is left out: {error}")
            lost.append(name)
            continue
        seconds = time.perf_counter() - started
        start = found[0] if found else None
        signs = start.signs if start else None
        judged = judge(name, adapted, domains=seen, start=signs, seconds=seconds, space=space)
        judged = with_right(judged, right, start=start, compared=known.compared)
        say(method_words(judged))
        found.append(judged)
    return found, lost


@dataclass(frozen=True)
class _Watched:
    """A method that says so where it diverges.

    Args:
        name: Its word.
        method: It.
    """

    name: str
    method: Method

    def adapt(self, domains: Domains) -> Adapted:
        """Returns what the method makes, unless it diverges."""
        try:
            made = self.method.adapt(domains)
            if not (_whole(made.on_source) and _whole(made.on_target)):
                raise NotFiniteError
        except NotFiniteError as error:
            raise DivergedError(
                f"{self.name} diverged: its classifier holds no finite numbers any more",
                expected="a rate and weights at which its loss falls",
                hint="the usual options",
            ) from error
        return made


def _whole(probe: LinearProbe) -> bool:
    """Says whether a classifier holds finite numbers alone."""
    numbers = (probe.shift, probe.scale, probe.weight, probe.bias)
    return all(bool(np.isfinite(each).all()) for each in numbers)


def method_words(judged: Judged) -> str:
    """Returns one line on what a method came to."""
    told = f"{judged.name}: {judged.signs.information:.3f} nats of information"
    if judged.right is not None:
        told += f", right on {judged.right.sum()} of {len(judged.right)} labelled target rows"
    if judged.reasons:
        told += f"; dropped, as {judged.reasons[0]}"
    return f"{told} ({judged.seconds:.1f} s)"
