"""Decides which strategies `auto` tries, and which one is left: successive halving.

Source: Jamieson and Talwalkar 2016, "Non-stochastic Best Arm Identification and
Hyperparameter Optimization", arXiv 1502.07943, algorithm 1, passes being the budget.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from regraft.settings import Preset

FEW = 16
"""Labelled rows a class up to which pairs of rows come first."""
SHARES = (0.25, 0.5)
"""Of a strategy's passes, in each round of trials; what is left then is trained whole."""
BUDGET = 0.4
"""Of the time that is left, for a round of trials."""


@dataclass(frozen=True)
class Candidate:
    """A strategy that may be taken.

    Args:
        strategy: Its name, options and modifiers included.
        rate: Factor on the usual rate.
        freeze: Share of the blocks that stay frozen besides what is usual, or 0.
    """

    strategy: str
    rate: float = 1.0
    freeze: float = 0.0

    def words(self) -> str:
        """Returns it as a few words.

        >>> Candidate("two-stage", 0.5).words(), Candidate("head").words()
        ('two-stage at 0.5 of the usual rate', 'head')
        """
        rate = "" if self.rate == 1 else f" at {self.rate:g} of the usual rate"
        frozen = f", {self.freeze:.0%} frozen" if self.freeze else ""
        return f"{self.strategy}{rate}{frozen}"


@dataclass(frozen=True)
class Tried:
    """What a trial came to.

    Args:
        candidate: What was tried.
        share: Of its passes that were taken.
        score: The selecting score on validation rows; larger is better.
        log_loss: On the same rows; breaks ties.
        seconds: That it took.
    """

    candidate: Candidate
    share: float
    score: float
    log_loss: float
    seconds: float

    @property
    def key(self) -> tuple[float, float]:
        """What is made large."""
        return (self.score, -self.log_loss)

    def as_json(self) -> dict[str, Any]:
        """Returns plain data for `result.json`."""
        return {**asdict(self), "words": self.candidate.words()}


Trial = Callable[[Candidate, float], Tried]

TUNED = Candidate("two-stage")
PRESETS: dict[Preset, tuple[Candidate, ...]] = {
    "fast": (Candidate("two-stage", freeze=0.5),),
    "balanced": (TUNED, Candidate("two-stage", 0.4), Candidate("layerwise")),
    "best": (
        TUNED,
        Candidate("two-stage", 0.4),
        Candidate("two-stage", 2.0),
        Candidate("two-stage+average"),
        Candidate("layerwise"),
        Candidate("gradual"),
    ),
}


def candidates(preset: Preset, *, rows: int, classes: int) -> list[Candidate]:
    """Returns what is tried beside the linear probe, first what is taken without a trial.

    Args:
        preset: How much time it may cost.
        rows: N labelled rows.
        classes: K.
    """
    few = rows <= FEW * classes
    return [*([Candidate("contrastive")] if few else []), *PRESETS[preset]]


def most_seconds(whole: Sequence[float]) -> float:
    """Returns the seconds of all trials and of the run after them, where the slowest is left.

    Args:
        whole: Of each candidate, the seconds of all of its passes.

    >>> most_seconds([8.0, 4.0])  # a quarter of both, and all of the slower one
    11.0
    """
    left, total = sorted(whole, reverse=True), 0.0
    for share in SHARES:
        if len(left) == 1:
            break
        total += share * sum(left)
        left = left[: -(-len(left) // 2)]
    return total + left[0]


Alike = Callable[[Sequence[Candidate], float], list[Candidate]]


def _themselves(some: Sequence[Candidate], share: float) -> list[Candidate]:
    del share
    return list(some)


def halving(
    trial: Trial,
    candidates: Sequence[Candidate],
    *,
    affordable: Callable[[Sequence[Candidate], float], bool],
    alike: Alike = _themselves,
) -> tuple[Candidate, list[Tried]]:
    """Returns the candidate that is left, and all that was tried.

    Each round trains those that are left for a share of their passes and keeps the better
    half. A round that cannot be paid for is left out, and the best so far is taken. What would
    train as another one does is not trained twice, and stays as long as that one.

    Args:
        trial: Trains a candidate for a share of its passes.
        candidates: One at least, the usual one first.
        affordable: Says whether there is time for a round: its candidates, and their share.
        alike: Says of each candidate which one, itself or an earlier one, trains as it does for
            a share of its passes.
    """
    left, tried = list(candidates), []
    for share in SHARES:
        trained = alike(left, share)
        apart = list(dict.fromkeys(trained))
        if len(apart) == 1:  # what may part with more passes
            continue
        if not affordable(apart, share):
            break
        found = [trial(candidate, share) for candidate in apart]
        tried += found
        best = sorted(found, key=lambda each: each.key, reverse=True)
        kept = [each.candidate for each in best[: -(-len(best) // 2)]]
        twins = list(zip(left, trained, strict=True))
        left = [each for first in kept for each, as_first in twins if as_first == first]
    return left[0], tried
