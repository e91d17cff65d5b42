"""Estimates accuracy on rows without labels from how often two classifiers agree on them.

Source: Jiang, Nagarajan, Baek and Kolter 2022, "Assessing Generalization of SGD via
Disagreement", ICLR, arXiv 2106.13799, equation 3: two classifiers that were trained alike on
different rows agree as often as one is right. On a frozen trunk two heads are alike in their
mistakes too, so each twin has half of the features, and in every second pair half of the rows
(regraft): what speaks for a class has to be found twice.
"""

import numpy as np
import numpy.typing as npt

from regraft.adaptation.shifting.held_out import Recipe, picked
from regraft.training.heads.probe import Features, Labelled

Indices = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
PAIRS = 4
"""Pairs of twins: what they agree on is averaged."""


def agreement(rows: Labelled, asked: Features, *, recipe: Recipe, seed: int) -> Floats:
    """Returns (L,) the share of pairs of twins that agree on each row.

    Args:
        rows: (N, D) labelled features.
        asked: (L, D) features of rows without labels.
        recipe: Of the classifier whose accuracy is asked for.
        seed: Of the halves.
    """
    generator = np.random.default_rng(seed)
    same = np.zeros(len(asked))
    for number in range(PAIRS):
        columns = _halves(rows.features.shape[1], generator)
        everything = np.arange(len(rows.labels))
        apart = number % 2 == 0
        picks = _halves_by_class(rows.labels, generator) if apart else (everything, everything)
        first, second = (
            _answers(rows, asked, half, recipe) for half in zip(picks, columns, strict=True)
        )
        same += first == second
    return same / PAIRS


def held_out_agreement(rows: Labelled, recipe: Recipe, *, folds: Indices, seed: int) -> Floats:
    """Returns (N,) the share of pairs of twins that agree on rows that they have not learnt from.

    Args:
        rows: (N, D) labelled features.
        recipe: Of the classifier.
        folds: (N,) fold of each row; equal rows share one.
        seed: Of the halves.
    """
    same = np.zeros(len(rows.labels))
    for fold in np.unique(folds):
        held = folds == fold
        seen = picked(rows, np.flatnonzero(~held))
        same[held] = agreement(seen, rows.features[held], recipe=recipe, seed=seed)
    return same


def scaled_agreement(right: Bools, known: Floats, *, asked: Floats) -> float:
    """Returns accuracy on known rows, times what agreement falls by, in [0, 1].

    Twins know less than the classifier of all rows and features, so they agree less often
    than it is right on the source too: the ratio of the two is taken to be the same there.

    Args:
        right: (M,) whether the classifier's answers to labelled rows are right.
        known: (N,) agreement of twins on labelled rows.
        asked: (L,) their agreement on rows without labels.
    """
    fall = asked.mean() / max(float(known.mean()), 1e-9)
    return float(np.clip(right.mean() * fall, 0, 1))


def _answers(
    rows: Labelled, asked: Features, half: tuple[Indices, Indices], recipe: Recipe
) -> Indices:
    """Returns (L,) the answers of the classifier of some rows and some features."""
    picked, columns = half
    seen = Labelled(rows.features[np.ix_(picked, columns)], rows.labels[picked])
    return np.asarray(recipe.fit(seen).logits(asked[:, columns]).argmax(axis=1))


def _halves_by_class(labels: Indices, generator: np.random.Generator) -> tuple[Indices, Indices]:
    """Returns two halves of the rows, each class dealt out row by row."""
    order = generator.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    return order[::2], order[1::2]


def _halves(count: int, generator: np.random.Generator) -> tuple[Indices, Indices]:
    order = generator.permutation(count)
    return order[: (count + 1) // 2], order[count // 2 :]
