"""Tries methods one after another, and says of each what it came to."""

import time
from collections.abc import Sequence

from regraft.adaptation.domains import Domains
from regraft.adaptation.selection import Judged, judge
from regraft.adaptation.table import METHODS
from regraft.runs.fitting.prepare import Say


def try_methods(domains: Domains, names: Sequence[str], *, say: Say) -> list[Judged]:
    """Returns each method's classifier, judged without target labels.

    Args:
        domains: Features of both.
        names: Of the methods, `source-only` first.
        say: Told one line a method.
    """
    found: list[Judged] = []
    for name in names:
        started = time.perf_counter()
        adapted = METHODS[name]().adapt(domains)
        seconds = time.perf_counter() - started
        start = found[0].signs if found else None
        judged = judge(name, adapted, domains=domains, start=start, seconds=seconds)
        say(method_words(judged))
        found.append(judged)
    return found


def method_words(judged: Judged) -> str:
    """Returns one line on what a method came to."""
    told = f"{judged.name}: {judged.signs.information:.3f} nats of information"
    if judged.reasons:
        told += f"; dropped, as {judged.reasons[0]}"
    return f"{told} ({judged.seconds:.1f} s)"
