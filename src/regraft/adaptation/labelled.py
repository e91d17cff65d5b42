"""Makes a few labelled target rows part of what methods learn, and of how they are chosen.

Source: none (regraft); the rows of both domains are pooled as in Daumé III 2007, "Frustratingly
Easy Domain Adaptation", ACL, section 3 ("weighted"), and two classifiers are compared row by
row as in McNemar 1947, "Note on the sampling error of the difference between correlated
proportions or percentages", Psychometrika 12; exactly, as few rows differ (sign test):
P = Σ_{i ≥ b} C(b + c, i) / 2^(b + c).
"""

from dataclasses import replace
from math import comb

import numpy as np
import numpy.typing as npt

from regraft.adaptation.domains import Domains, Method
from regraft.training.heads.probe import Labelled, LinearProbe

Labels = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]
WEIGHT = 10
"""Source rows that a labelled row of the target counts as, at most."""
FEW = 100
"""Labelled rows below which all of them judge, each half by what the other half has taught."""
NOBODY = Labelled(np.zeros((0, 0), np.float32), np.zeros(0, np.int64))


def with_labelled(domains: Domains, known: Labelled) -> Domains:
    """Returns domains with labelled target rows among what is learnt from.

    Each is there several times, ten at most and so that all together are no more than the
    source's own rows: a few rows among thousands would say nothing.

    Args:
        domains: Without any.
        known: (M, D) target features with their labels; may be none.
    """
    if not len(known.labels):
        return domains
    source = domains.source
    times = repeats(len(known.labels), len(source.labels))
    features = np.concatenate([source.features, np.repeat(known.features, times, axis=0)])
    labels = np.concatenate([source.labels, np.repeat(known.labels, times)])
    return replace(
        domains,
        source=Labelled(features, labels),
        class_weights=domains.weights_of(labels),
        lent=times * len(known.labels),
    )


def repeats(known: int, own: int) -> int:
    """Returns how many source rows a labelled row of the target counts as.

    Args:
        known: Labelled rows of the target, at least one.
        own: Rows of the source.

    >>> repeats(8, 1000), repeats(500, 1000), repeats(2000, 1000)
    (10, 2, 1)
    """
    return max(1, min(WEIGHT, own // known))


def halves(count: int, *, once: bool = False) -> list[tuple[Labels, Labels]]:
    """Returns pairs of row numbers, (learnt from, judged by), as every second row parts them.

    Args:
        count: Labelled rows; under `FEW` both halves judge, else one.
        once: Whether one half alone judges however few they are: what moves the trunk is
            trained once.
    """
    rows = np.arange(count)
    even, odd = rows[::2], rows[1::2]
    both = [(even, odd), (odd, even)]
    return [pair for pair in both if len(pair[1])][: 2 if count < FEW and not once else 1]


def judging_rows(count: int, *, once: bool = False) -> int:
    """Returns how many of so many labelled rows judge.

    >>> judging_rows(20), judging_rows(200), judging_rows(20, once=True)
    (20, 100, 10)
    """
    return sum(len(held) for _, held in halves(count, once=once))


def right_answers(
    method: Method, domains: Domains, *, known: Labelled, once: bool = False
) -> Truths | None:
    """Returns whether a method is right on labelled target rows that it has not learnt from.

    None where there are no labelled rows.

    Args:
        method: Fitted once or twice, on a half of the labelled rows.
        domains: Without labelled rows of the target.
        known: (M, D) target features with their labels.
        once: Whether one half alone judges.
    """
    if not len(known.labels):
        return None
    found = []
    for learnt, held in halves(len(known.labels), once=once):
        given = with_labelled(domains, Labelled(known.features[learnt], known.labels[learnt]))
        found.append(_right(method.adapt(given).on_target, known, held))
    return np.concatenate(found)


def right_unseen(probe: LinearProbe, *, known: Labelled, once: bool = False) -> Truths | None:
    """Returns whether a classifier is right on those that judge, in the same order.

    Args:
        probe: It; it has learnt from none of them.
        known: (M, D) target features with their labels; None comes back where there are none.
        once: Whether one half alone judges.
    """
    if not len(known.labels):
        return None
    judging = halves(len(known.labels), once=once)
    return np.concatenate([_right(probe, known, held) for _, held in judging])


def _right(probe: LinearProbe, known: Labelled, rows: Labels) -> Truths:
    return np.asarray(probe.logits(known.features[rows]).argmax(axis=1) == known.labels[rows])


def chance(first: Truths, second: Truths) -> float:
    """Returns P that of two classifiers that are as good the first is right so much more often.

    It is that of a coin, tossed for each row on which one of them alone is right.

    >>> chance(np.array([True, True, True, True]), np.array([False, False, False, True]))
    0.125
    """
    only, other = int((first & ~second).sum()), int((second & ~first).sum())
    tosses = only + other
    return sum(comb(tosses, heads) for heads in range(only, tosses + 1)) / (1 << tosses)
