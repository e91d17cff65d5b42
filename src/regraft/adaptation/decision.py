"""Decides which classifier is kept for the target, without any of its labels.

Source: none (regraft). Classifiers are ranked by information, see `selection`. Answers may be
clear and wrong: what is wrong does not teach the source's classes. So only those methods are
ranked whose fresh classifiers are right on about as many source rows as the best one's (reverse
validation; see `guards.one_way`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from regraft.adaptation.labelled import Truths, chance
from regraft.adaptation.selection import Judged
from regraft.adaptation.table import SOURCE_ONLY

MARGIN = 0.005
"""Nats by which a method must exceed source-only."""
NEAR = 0.06
"""Reverse accuracy that a method may lie below the best one: answers can be clear and wrong."""
LEVEL = 0.05
"""Probability with which labelled target rows may tell any method from source-only by chance.

All methods that are compared share it (Bonferroni): of thirteen that are as good as source-only
one wins on two rows of ten and loses on none sooner or later, and that says nothing.
"""
MISTAKEN = "mistaken"
"""The guard beside those of `guards.GUARDS`: it objects by labelled target rows."""


@dataclass(frozen=True)
class Decision:
    """Which classifier is kept, and why.

    Args:
        chosen: It.
        reason: One sentence.
        fell_back: Whether it is source-only because no method was fit to be kept.
    """

    chosen: Judged
    reason: str
    fell_back: bool = False


def with_right(
    judged: Judged, right: Truths | None, *, start: Judged | None, compared: int = 1
) -> Judged:
    """Returns a judged method with what labelled target rows say of it, and of it as a guard.

    Args:
        judged: The method.
        right: Whether it is right on each of them; None = there are none.
        start: Source-only, likewise; None for source-only itself.
        compared: How many methods are held to source-only.
    """
    if right is None:
        return judged
    if start is None or start.right is None:
        return replace(judged, right=right)
    told = ""
    if _more_often(start.right, right, compared=compared):
        told = (
            f"it is right on {right.sum()} of {len(right)} labelled target rows, "
            f"{SOURCE_ONLY} on {start.right.sum()}"
        )
    return replace(judged, right=right, objections={**judged.objections, MISTAKEN: told})


def choose(judged: Sequence[Judged], *, lost: Sequence[str] = ()) -> Decision:
    """Returns which classifier is kept: source-only, or the best that no guard drops.

    A method that was asked for by name, alone beside source-only, is kept if no guard drops
    it; of several, though all others diverged, the one that labelled target rows clearly prefer
    to source-only, where there are such rows; else, of those near the best reverse accuracy, the
    one of most information, if that exceeds source-only's.

    Args:
        judged: Source-only first.
        lost: Words of methods that were asked for and diverged.
    """
    start, methods = judged[0], judged[1:]
    if not methods and lost:
        return Decision(start, f"{SOURCE_ONLY} is kept, as {' and '.join(lost)} diverged", True)
    if not methods:
        return Decision(start, f"{SOURCE_ONLY} is what was asked for")
    passed = [each for each in methods if not each.reasons]
    if not passed:
        told = "; ".join(f"{each.name}: {each.reasons[0]}" for each in methods)
        return Decision(start, f"{SOURCE_ONLY} is kept, as the guards drop {told}", True)
    best = max(_near_best(passed), key=lambda each: each.signs.information)
    gain = best.signs.information - start.signs.information
    if len(methods) == 1 and not lost:
        return Decision(best, f"{best.name} is what was asked for, and no guard drops it")
    if decided := _by_labels(passed, start, compared=len(methods)):
        return decided
    if gain <= MARGIN:
        return Decision(
            start,
            f"{SOURCE_ONLY} is kept, as no method makes the target clearer: the best is "
            f"{best.name} with {gain:+.3f} nats of information{_clearer(passed, best)}",
            True,
        )
    return Decision(
        best, f"{best.name} is chosen: {gain:+.3f} nats of information beside {SOURCE_ONLY}"
    )


def _near_best(passed: Sequence[Judged]) -> list[Judged]:
    """Returns the methods whose answers teach the source's classes about as well as any's."""
    most = max(each.signs.reverse_accuracy for each in passed)
    return [each for each in passed if each.signs.reverse_accuracy >= most - NEAR]


def _clearer(passed: Sequence[Judged], best: Judged) -> str:
    """Says which method was clearer than the best one and not compared, if one was."""
    clearest = max(passed, key=lambda each: each.signs.information)
    if clearest is best:
        return ""
    right = clearest.signs.reverse_accuracy
    return (
        f" ({clearest.name} is clearer, but teaches the source's classes less: {right:.3f} right)"
    )


def _more_often(first: Truths, second: Truths, *, compared: int) -> bool:
    """Says whether one is right more often than chance explains, so many being compared."""
    return chance(first, second) * compared <= LEVEL


def _by_labels(passed: Sequence[Judged], start: Judged, *, compared: int) -> Decision | None:
    """Returns the method that is right most often on labelled target rows, if that is clear."""
    if start.right is None:
        return None
    rights = [(each, each.right) for each in passed if each.right is not None]
    best, right = max(rights, key=lambda pair: (pair[1].sum(), pair[0].signs.information))
    if not _more_often(right, start.right, compared=compared):
        return None
    return Decision(
        best,
        f"{best.name} is chosen: it is right on {right.sum()} of {len(right)} labelled target rows "
        f"that it had not seen, {SOURCE_ONLY} on {start.right.sum()}",
    )
