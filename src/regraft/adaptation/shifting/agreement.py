"""Estimates accuracy on rows without labels from how often two classifiers agree on them.

Source: Jiang, Nagarajan, Baek and Kolter 2022, "Assessing Generalization of SGD via
Disagreement", ICLR, arXiv 2106.13799, equation 3: two classifiers that were trained alike on
different rows agree as often as one is right. On a frozen trunk two heads are alike in their
mistakes too, so each twin has half of the rows and half of the features (regraft): what
speaks for a class there has to be found twice.
"""

import numpy as np
import numpy.typing as npt

from regraft.adaptation.shifting.held_out import Recipe
from regraft.training.heads.probe import Features, Labelled

Indices = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
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
    for _ in range(PAIRS):
        first, second = (
            _answers(rows, asked, half, recipe)
            for half in zip(
                _halves_by_class(rows.labels, generator),
                _halves(rows.features.shape[1], generator),
                strict=True,
            )
        )
        same += first == second
    return same / PAIRS


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
