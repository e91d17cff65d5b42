"""Makes the final table, baselines first and the chosen strategy last, from a result."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from regraft.reports.words import duration, percent_score, plain_score, share

HEADERS = ("model", "accuracy", "macro-F1", "log loss", "seconds", "trained")
BASELINES = {
    "majority": "always the largest class",
    "classic": "classic, without pretraining",
    "linear_probe": "linear probe",
}


@dataclass(frozen=True)
class Entry:
    """One line of the table: a model, its scores on the test part and what it cost.

    Args:
        name: Shown to the user.
        scores: Scores by name, each with `value`, `low` and `high`.
        seconds: That it took, or None.
        trained_share: Share of the weights that moved, a fraction in [0, 1], or None.
        chosen: Whether it is what the run keeps.
    """

    name: str
    scores: Mapping[str, Mapping[str, Any]]
    seconds: float | None
    trained_share: float | None
    chosen: bool = False

    @property
    def cells(self) -> list[str]:
        """The cells under `HEADERS`."""
        return [
            self.name,
            percent_score(self.scores.get("accuracy")),
            plain_score(self.scores.get("macro_f1")),
            plain_score(self.scores.get("log_loss")),
            duration(self.seconds),
            share(self.trained_share),
        ]


def entries(result: Mapping[str, Any]) -> list[Entry]:
    """Returns the lines of the table: baselines as far as they were measured, then the run."""
    baselines = result.get("baselines") or {}
    lines = [_baseline(key, baselines[key]) for key in BASELINES if baselines.get(key)]
    return [*lines, *_without_leaks(result), _chosen(result)]


def _baseline(key: str, measured: Mapping[str, Any]) -> Entry:
    name = measured.get("name") or BASELINES[key]
    scores = measured.get("scores") or measured
    return Entry(str(name), scores, measured.get("seconds"), measured.get("trained_share"))


def _without_leaks(result: Mapping[str, Any]) -> list[Entry]:
    """Returns the run once more, on the test rows that it has not seen, where it saw some."""
    scores = (result.get("scores") or {}).get("test_without_leaks")
    name = f"{result.get('strategy') or 'this run'}, without leaked rows"
    return [Entry(name, scores, None, None)] if scores else []


def _chosen(result: Mapping[str, Any]) -> Entry:
    scores, seconds = result.get("scores") or {}, result.get("seconds") or {}
    return Entry(
        str(result.get("strategy") or "this run"),
        scores.get("test") or scores.get("val") or {},
        # What the strategy cost alone, as for the others; a result without it has a total.
        seconds.get("chosen", seconds.get("total")),
        result.get("trained_share"),
        chosen=True,
    )
