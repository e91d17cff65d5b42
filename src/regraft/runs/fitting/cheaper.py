"""Makes the cheaper rows beside a chosen strategy, and says what transfer gained."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from regraft.data.rows import Rows
from regraft.losses.cross_entropy import balanced_weights
from regraft.runs.fitting.commands import keep_command
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.train import Pooled, Trained
from regraft.scoring import baselines, metrics
from regraft.scoring.intervals import Score, paired_difference
from regraft.scoring.metrics import softmax
from regraft.scoring.scores import Scores, macro_f1_difference, score
from regraft.training.heads.probe import Labelled, LinearProbe, fit_probe

Probabilities = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cheaper:
    """One cheaper way, with its probabilities on validation and test rows.

    Args:
        key: Name in `result.json`.
        name: Name in the table.
        val: (M, K), out of fold where there is no validation part.
        test: (L, K).
        seconds: Of fitting and predicting.
        trained: Numbers that were fitted, or 0.
    """

    key: str
    name: str
    val: Probabilities
    test: Probabilities
    seconds: float
    trained: int


def cheaper_ways(
    prepared: Prepared, trained: Trained, *, pooled: Pooled, pass_seconds: float = 0.0
) -> list[Cheaper]:
    """Returns majority, classic and linear probe, from the cheapest up.

    Args:
        prepared: Data and network.
        trained: Names the folds, where there were any.
        pooled: Features of the trunk as it came.
        pass_seconds: That these took: without them there is no probe.
    """
    probe = _probed(prepared, trained.folds, pooled)
    return [
        _without_network("majority", prepared, trained.folds),
        _without_network("classic", prepared, trained.folds),
        replace(probe, seconds=probe.seconds + pass_seconds),
    ]


def _without_network(key: str, prepared: Prepared, folds: Indices) -> Cheaper:
    start = time.perf_counter()
    fit = {"majority": baselines.majority, "classic": baselines.classic}[key]
    parts = prepared.dataset.parts
    others = [part for part in (parts["val"], parts["test"]) if len(part)]
    fitted = fit(parts["train"], others)
    none = np.zeros((0, len(prepared.dataset.classes)))
    test = fitted.parts[-1] if len(parts["test"]) else none
    val = fitted.parts[0] if len(parts["val"]) else none
    if len(folds):
        val = _out_of_fold(parts["train"], folds, lambda seen, held: fit(seen, [held]).parts[0])
    return Cheaper(key, fitted.name, val, test, time.perf_counter() - start, 0)


def _out_of_fold(
    rows: Rows, folds: Indices, predict: Callable[[Rows, Rows], Probabilities]
) -> Probabilities:
    result = np.zeros((len(rows), len(rows.classes)))
    for fold in np.unique(folds):
        held = folds == fold
        seen, left = rows.take(np.flatnonzero(~held)), rows.take(np.flatnonzero(held))
        result[held] = predict(seen, left)
    return result


def _probed(prepared: Prepared, folds: Indices, pooled: Pooled) -> Cheaper:
    start = time.perf_counter()
    parts = prepared.dataset.parts
    train = Labelled(pooled["train"], parts["train"].labels, parts["train"].units)
    val = Labelled(pooled["val"], parts["val"].labels) if "val" in pooled else None
    probe = _fit(prepared, train, val)
    test = pooled.get("test", np.zeros((0, pooled["train"].shape[1]), np.float32))
    found = softmax(probe.logits(val.features)) if val else _probe_folds(prepared, train, folds)
    seconds = time.perf_counter() - start
    answered = softmax(probe.logits(test)) if len(test) else np.zeros((0, len(probe.bias)))
    size = probe.weight.size + probe.bias.size
    return Cheaper("linear_probe", "linear probe", found, answered, seconds, size)


def _probe_folds(prepared: Prepared, train: Labelled, folds: Indices) -> Probabilities:
    result = np.zeros((len(train.labels), len(prepared.dataset.classes)))
    for fold in np.unique(folds):
        held = folds == fold
        units = None if train.units is None else train.units[~held]
        seen = Labelled(train.features[~held], train.labels[~held], units)
        result[held] = softmax(_fit(prepared, seen, None).logits(train.features[held]))
    return result


def _fit(prepared: Prepared, train: Labelled, val: Labelled | None) -> LinearProbe:
    classes = len(prepared.dataset.classes)
    balanced = prepared.chosen.class_weights.value == "balanced"
    weights = balanced_weights(train.labels, classes) if balanced else None
    return fit_probe(train, classes, val=val, weights=weights)


@dataclass(frozen=True)
class Gain:
    """What the chosen strategy gained over the best cheaper way on test rows.

    Args:
        over: Name of that way.
        of: The score that the run selects by: accuracy, or macro F1 where classes weigh the same.
        difference: Of that score, a fraction, with its paired interval.
        verdict: Empty, or the sentence that a cheaper way is as good.
    """

    over: str
    of: str
    difference: Score
    verdict: str


def gained(
    prepared: Prepared,
    chosen: tuple[Probabilities, Probabilities],
    *,
    ways: list[Cheaper],
    val_labels: Indices,
) -> Gain:
    """Returns the gain, judged on validation rows and reported on test rows.

    Args:
        prepared: Names the data and the strategy.
        chosen: (M, K) validation and (L, K) test probabilities of the strategy.
        ways: The cheaper ways.
        val_labels: (M,); none where no row was left out.
    """
    labels = (val_labels, prepared.dataset.parts["test"].labels)
    balanced = prepared.chosen.class_weights.value == "balanced"
    if balanced:  # the most frequent class is no answer where all of them count the same
        ways = [way for way in ways if way.key != "majority"]
    # Where no row was left out, nothing but its kind speaks for one: the probe comes last.
    judged, best = bool(len(val_labels)), ways[-1]
    if judged:
        best = max(ways, key=lambda way: _score(way.val, val_labels, balanced))
    difference = _gap(chosen[1], best.test, labels[1], balanced)
    of = "macro F1" if balanced else "accuracy"
    verdict = _verdict(prepared, chosen, ways, labels) if judged else ""
    return Gain(best.name, of, difference, verdict)


def points_words(gap: Score, of: str) -> str:
    """Returns a difference in points with its interval.

    Args:
        gap: A fraction.
        of: The score.

    >>> points_words(Score(0.02, -0.01, 0.05), "macro F1")
    '+2.0 points of macro F1 (-1.0 to +5.0)'
    """
    value, low, high = (f"{100 * end:+.1f}" for end in (gap.value, gap.low, gap.high))
    return f"{value} points{'' if of == 'accuracy' else f' of {of}'} ({low} to {high})"


def _verdict(
    prepared: Prepared,
    chosen: tuple[Probabilities, Probabilities],
    ways: list[Cheaper],
    labels: tuple[Indices, Indices],
) -> str:
    """Names the cheapest way beside which validation rows show no gain, nor test rows a clear one.

    Where the trunk stood still the linear probe is not among them: it is no cheaper.
    """
    name, moved = prepared.settings.strategy, moves_trunk(prepared)
    balanced = prepared.chosen.class_weights.value == "balanced"
    for way in ways:
        if way.key == "linear_probe" and not moved:
            continue
        gap, shown = (
            _gap(mine, other, known, balanced)
            for mine, other, known in zip(chosen, (way.val, way.test), labels, strict=True)
        )
        if max(gap.low, shown.low) > 0:
            continue
        return (
            f"{'Tuning' if moved else 'The network'} gained nothing measurable here: on "
            f"validation {name} is {points_words(gap, 'macro F1' if balanced else 'accuracy')} "
            f"beside the {way.name}. Keep the cheaper one: {keep_command(way.key, prepared)}"
        )
    return ""


def moves_trunk(prepared: Prepared) -> bool:
    """Says whether any phase trains more than the head."""
    return any(phase.line < prepared.chain.top for phase in prepared.phases)


def _gap(first: Probabilities, second: Probabilities, labels: Indices, balanced: bool) -> Score:
    """Returns by how much `first` is better in the score that the run selects by."""
    if balanced:
        return macro_f1_difference(first, second, labels=labels)
    mine, other = (each.argmax(axis=1) == labels for each in (first, second))
    return paired_difference(mine.astype(np.float64), other.astype(np.float64))


def _score(probabilities: Probabilities, labels: Indices, balanced: bool) -> float:
    classes = probabilities.shape[1]
    counts = metrics.confusion(labels, probabilities.argmax(axis=1), classes=classes)
    return float((metrics.macro_f1 if balanced else metrics.accuracy)(counts))


def scores_of(way: Cheaper, labels: Indices) -> Scores:
    """Returns a cheaper way's scores on the (L,) test labels."""
    return score(way.test, labels)
