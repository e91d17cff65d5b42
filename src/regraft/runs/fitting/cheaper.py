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
from regraft.scoring import baselines
from regraft.scoring.intervals import paired_difference, wilson
from regraft.scoring.metrics import softmax
from regraft.scoring.scores import Scores, score
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
        difference: Of accuracy, a fraction, with its paired interval.
        verdict: Empty, or the sentence that a cheaper way is as good.
    """

    over: str
    difference: dict[str, float]
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
    labels = prepared.dataset.parts["test"].labels
    judged = bool(len(val_labels))
    # Where no row was left out, nothing but its kind speaks for one: the probe comes last.
    best = max(ways, key=lambda way: _accuracy(way.val, val_labels)) if judged else ways[-1]
    mine, other = _right(chosen[1], labels), _right(best.test, labels)
    gap = paired_difference(mine, other)
    difference = {"value": gap.value, "low": gap.low, "high": gap.high}
    verdict = _verdict(prepared, chosen[0], ways, val_labels) if judged else ""
    return Gain(best.name, difference, verdict)


def _verdict(prepared: Prepared, val: Probabilities, ways: list[Cheaper], labels: Indices) -> str:
    """Names the cheapest way whose validation accuracy reaches the chosen one's interval.

    Where the trunk stood still the linear probe is not among them: it is no cheaper.
    """
    interval = wilson(int(_right(val, labels).sum()), len(labels))
    name, moved = prepared.settings.strategy, moves_trunk(prepared)
    for way in ways:
        reached = _accuracy(way.val, labels)
        if reached < interval.low or (way.key == "linear_probe" and not moved):
            continue
        place = "within" if reached <= interval.high else "above"
        return (
            f"{'Tuning' if moved else 'The network'} gained nothing measurable here: on "
            f"validation the {way.name} reaches {reached:.3f}, {place} the interval of {name} "
            f"(from {interval.low:.3f}). Keep the cheaper one: {keep_command(way.key, prepared)}"
        )
    return ""


def moves_trunk(prepared: Prepared) -> bool:
    """Says whether any phase trains more than the head."""
    return any(phase.line < prepared.chain.top for phase in prepared.phases)


def _accuracy(probabilities: Probabilities, labels: Indices) -> float:
    return float(_right(probabilities, labels).mean())


def _right(probabilities: Probabilities, labels: Indices) -> npt.NDArray[np.float64]:
    return np.asarray(probabilities.argmax(axis=1) == labels, np.float64)


def scores_of(way: Cheaper, labels: Indices) -> Scores:
    """Returns a cheaper way's scores on the (L,) test labels."""
    return score(way.test, labels)
