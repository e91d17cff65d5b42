"""Decides whether a classifier has collapsed on the target, one small guard a way to.

Source: none (regraft). Methods that are chosen by how sure they are can be sure of nothing:
a guard says no where a simple sign of that is seen, without any label of the target.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from regraft.adaptation.domains import Shares, shares_of

Labels = npt.NDArray[np.int64]
Rights = npt.NDArray[np.float64]
"""(M,) whether an answer is right, 0 or 1; the mean of several classifiers lies between."""
NARROWEST = 0.75
"""Part of the entropy of the expected proportions that the answers must have."""
EXPECTED = 5.0
"""Rows that must be expected of a class before its absence says something."""
AGREEMENT = 0.1
"""Least agreement with source-only, as Cohen's kappa: 0 is chance."""
SOURCE_FALL = 0.05
"""Source accuracy that an adapted classifier may lose."""
REVERSE_FALL = 0.03
"""Reverse accuracy that it may lose."""
CHANCE = 1.645
"""Standard errors by which a fall must exceed what is allowed: 95 % sure, on one side."""


@dataclass(frozen=True)
class Evidence:
    """What is seen of an adapted classifier, and the same of source-only.

    Args:
        predicted: (L,) classes that it says of target rows.
        start: (L,) classes that source-only says of them.
        shares: (K,) of the classes in the source.
        proportions: (K,) estimated for the target.
        source_right: Its own and source-only's answers to labelled source rows.
        reverse_right: The same of classifiers that know its target labels alone.
    """

    predicted: Labels
    start: Labels
    shares: Shares
    proportions: Shares
    source_right: tuple[Rights, Rights]
    reverse_right: tuple[Rights, Rights]


def entropy(shares: Shares) -> float:
    """Returns H = −Σ q log q in nats.

    >>> round(entropy(np.array([0.5, 0.5])), 4)
    0.6931
    """
    known = shares[shares > 0]
    return max(0.0, float(-(known * np.log(known)).sum()))


def kappa(first: Labels, second: Labels, *, classes: int) -> float:
    """Returns Cohen's kappa of two answers to the same rows: 1 where equal, 0 by chance."""
    same = float((first == second).mean())
    chance = float(shares_of(first, classes=classes) @ shares_of(second, classes=classes))
    return 1.0 if chance >= 1 else (same - chance) / (1 - chance)


def falls(now: Rights, before: Rights, *, allowed: float) -> bool:
    """Says whether accuracy falls by more than is allowed, and by more than few rows can tell.

    Rows are paired: the error of the fall is that of the differences' mean.

    Args:
        now: (M,) rights of the adapted classifier.
        before: (M,) of source-only, on the same rows.
        allowed: Fall of accuracy, in [0, 1].
    """
    lost = before - now
    error = float(lost.std()) / max(1, len(lost)) ** 0.5
    return bool(float(lost.mean()) - CHANCE * error > allowed)


def narrow(evidence: Evidence) -> str:
    """Says no where the answers are spread over far fewer classes than is expected."""
    classes = len(evidence.shares)
    found = entropy(shares_of(evidence.predicted, classes=classes))
    expected = min(entropy(evidence.shares), entropy(evidence.proportions))
    if found >= NARROWEST * expected:
        return ""
    return f"its answers have an entropy of {found:.2f} nats, of {expected:.2f} expected"


def empty_class(evidence: Evidence) -> str:
    """Says no where a class is never answered of which rows are expected."""
    counts = np.bincount(evidence.predicted, minlength=len(evidence.shares))
    expected = evidence.proportions * len(evidence.predicted)
    missing = int(((counts == 0) & (expected >= EXPECTED)).sum())
    if not missing:
        return ""
    return f"it never answers with {missing} of {len(counts)} classes"


def stranger(evidence: Evidence) -> str:
    """Says no where the answers have next to nothing in common with source-only's.

    Where source-only itself has collapsed, that is no fault, unless the answers teach nothing of
    the source's classes either: then nothing speaks for them.
    """
    source_only = replace(evidence, predicted=evidence.start)
    if narrow(source_only) or empty_class(source_only):
        return _empty_words(evidence)
    found = kappa(evidence.predicted, evidence.start, classes=len(evidence.shares))
    if found >= AGREEMENT:
        return ""
    return f"it agrees with source-only hardly more than by chance (kappa {found:.2f})"


def _empty_words(evidence: Evidence) -> str:
    """Says no where a classifier of the answers is right on the source hardly beyond chance."""
    now, chance = evidence.reverse_right[0], float(evidence.shares.max())
    error = float(now.std()) / max(1, len(now)) ** 0.5
    if float(now.mean()) - CHANCE * error > chance + AGREEMENT * (1 - chance):
        return ""
    return (
        "source-only has collapsed on the target, and a classifier of these answers is right on "
        f"{now.mean():.3f} of source rows, by chance {chance:.3f}"
    )


def forgetful(evidence: Evidence) -> str:
    """Says no where the source is no longer told apart as well."""
    now, before = evidence.source_right
    if not falls(now, before, allowed=SOURCE_FALL):
        return ""
    return f"its accuracy on source rows fell from {before.mean():.3f} to {now.mean():.3f}"


def one_way(evidence: Evidence) -> str:
    """Says no where what it says of the target no longer teaches the source's classes.

    Source: Zhong, Fan, Yang, Verscheure and Ren 2010, "Cross Validation Framework to Choose
    amongst Models and Datasets for Transfer Learning" (reverse validation), ECML PKDD.
    """
    now, before = evidence.reverse_right
    if not falls(now, before, allowed=REVERSE_FALL):
        return ""
    return (
        f"a classifier of its answers is right on {now.mean():.3f} of source rows, "
        f"before {before.mean():.3f}"
    )


GUARDS: dict[str, Callable[[Evidence], str]] = {
    "narrow": narrow,
    "empty_class": empty_class,
    "stranger": stranger,
    "forgetful": forgetful,
    "one_way": one_way,
}


def objections(evidence: Evidence) -> dict[str, str]:
    """Returns what each guard says, the empty string where it has no objection."""
    return {name: guard(evidence) for name, guard in GUARDS.items()}
