"""Makes both domains' features, and the source's held-out answers, for a comparison."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regraft.adaptation.shifting.held_out import Known, Recipe, held_out, picked
from regraft.adaptation.shifting.two_sample import Sample
from regraft.data.rows import Part, Rows
from regraft.data.starters.wheels import Say, say_nothing
from regraft.errors import DataError
from regraft.features import cached
from regraft.features.rowkeys import row_keys
from regraft.losses.cross_entropy import balanced_weights
from regraft.runs.adapting.features import Pools, check_rows_of_classes, without_lost
from regraft.runs.adapting.target import Target
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.sessions import top_level
from regraft.runs.fitting.train import fold_keys, pool_parts
from regraft.training.batching.folds import assign_folds
from regraft.training.heads.probe import Features, Labelled, LinearProbe, fit_probe
from regraft.training.precision import Verdict

Indices = npt.NDArray[np.int64]
ENOUGH = 500
"""Validation rows from which their answers are taken, and no others are left out in turn."""
MOST_ROWS = 3000
"""Source rows that are left out in turn, and from which twins learn."""
TWINS = 2
"""Rows from which a pair of twins can learn."""
PARTS: tuple[Part, ...] = ("train", "val")


@dataclass(frozen=True)
class Gathered:
    """Everything that is compared.

    Args:
        source: The source's rows of training and validation, with the keys of their contents.
        labels: (N,) of the source's rows.
        target: The target's.
        labelled: At most `MOST_ROWS` source rows with labels.
        folds: (M,) fold of each of these.
        known: Answers to labelled source rows that were not learnt from.
        known_features: (M, D) features of these.
        start: The source-only classifier.
        recipe: How it is made.
        rows: The target's rows, in the order of its features.
    """

    source: Sample
    labels: Indices
    target: Sample
    labelled: Labelled
    folds: Indices
    known: Known
    known_features: Features
    start: LinearProbe
    recipe: Recipe
    rows: Target


def gather(
    prepared: Prepared, verdict: Verdict, *, target: Target, say: Say = say_nothing
) -> Gathered:
    """Returns the features of both domains, read where they are stored, and the answers.

    The source's test rows are left alone.

    Args:
        prepared: Of the source.
        verdict: Mode of inference.
        target: Its rows.
        say: Told of rows of the target that are left out.

    Raises:
        DataError: If there are too few rows to leave some out in turn, a class has no training rows
            (raised by `check_rows_of_classes`), or the network makes no finite numbers of a row
            of the source, or of too many of the target's (raised by `without_lost`).
    """
    check_rows_of_classes(prepared)
    parts, classes = prepared.dataset.parts, len(prepared.dataset.classes)
    pooled = pool_parts(prepared, verdict, test=None)
    asked = cached.pooled(top_level(prepared, verdict), target.encoded, cache=prepared.cache)
    pools, target = without_lost(Pools(pooled, asked), target, prepared=prepared, say=say)
    train = Labelled(pooled["train"], parts["train"].labels, parts["train"].units)
    val = Labelled(pooled["val"], parts["val"].labels) if "val" in pooled else None
    balanced = prepared.chosen.class_weights.value == "balanced"
    weights = balanced_weights(train.labels, classes) if balanced else None
    start = fit_probe(train, classes, val=val, weights=weights)
    recipe = Recipe(classes, start.strength, weights)
    everything = _together(train, val)
    rows = _sample(len(everything.labels), seed=prepared.settings.seed)
    labelled = picked(everything, rows)
    folds = _folds(prepared, rows, everything.labels)
    if val is not None and len(val.labels) >= ENOUGH:
        known, features = Known(start.logits(val.features), val.labels), val.features
    else:
        known, features = held_out(labelled, recipe, folds=folds), labelled.features
    keys = np.concatenate([row_keys(prepared.encoded[part]) for part in PARTS])
    return Gathered(
        Sample(everything.features, keys),
        everything.labels,
        Sample(pools.target, row_keys(target.encoded)),
        labelled,
        folds,
        known,
        features,
        start,
        recipe,
        target,
    )


def source_rows(prepared: Prepared, most: int) -> Rows:
    """Returns at most so many training rows of the source, drawn by the seed."""
    rows = prepared.dataset.parts["train"]
    order = np.random.default_rng(prepared.settings.seed).permutation(len(rows))
    return rows.take(order[:most])


def _together(train: Labelled, val: Labelled | None) -> Labelled:
    there = [train] if val is None else [train, val]
    return Labelled(
        np.concatenate([each.features for each in there]),
        np.concatenate([each.labels for each in there]),
    )


def _sample(count: int, *, seed: int) -> Indices:
    """Returns which rows learn and are left out: all of them, or as many as there may be."""
    if count <= MOST_ROWS:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).permutation(count)[:MOST_ROWS])


def _folds(prepared: Prepared, rows: Indices, labels: Indices) -> Indices:
    """Returns the fold of each of the rows; equal contents and groups are never parted.

    Raises:
        DataError: If beside those that are left out fewer than two stay, as twins need.
    """
    keys: list[str] = []
    for part in PARTS:
        keys += fold_keys(prepared.dataset.parts[part])
    folds = assign_folds([keys[row] for row in rows.tolist()], labels[rows])
    if len(rows) - np.bincount(folds).max() < TWINS:
        raise DataError(
            f"{len(rows)} labelled rows are too few to leave some out in turn",
            expected="three different rows of a class, or groups, at the least",
        )
    return folds
