"""Makes a smaller data set from a share of the labelled rows, class by class."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from regraft.data.rows import Dataset, Rows
from regraft.data.split import FEWEST_FOR_VAL
from regraft.draws import draws

LEAST = 2
"""Rows of a class that stay in any case: one to learn from while the other is left out."""


def take_share(dataset: Dataset, share: float, *, seed: int) -> Dataset:
    """Returns the data set with a share of its training and validation rows.

    The rows of a smaller share are among those of a larger one; the test part stays whole.
    Under 200 rows of both a validation part that was cut goes to train: folds tell more then. One
    that the data had stays, however few its rows are.

    Args:
        dataset: In parts.
        share: Of the rows of each class, a fraction in (0, 1].
        seed: Decides which rows.
    """
    if share == 1:
        return dataset
    parts = dataset.parts
    train, val = (
        part.take(chosen_rows(part.labels, share, seed=seed))
        for part in (parts["train"], parts["val"])
    )
    rule = f"{dataset.split_rule}; {100 * share:.4g} % of the rows of train and val are used"
    if len(val) and not dataset.own_val and len(train) + len(val) < FEWEST_FOR_VAL:
        train, val = _joined(train, val), val.take(np.zeros(0, np.int64))
        rule += f"; no val part, as these are under {FEWEST_FOR_VAL}"
    return replace(dataset, parts={**parts, "train": train, "val": val}, split_rule=rule)


def chosen_rows(labels: npt.NDArray[np.int64], share: float, *, seed: int) -> npt.NDArray[np.int64]:
    """Returns the numbers, ascending, of the rows that are in a share.

    Args:
        labels: (N,) numbers of classes.
        share: Of the rows of each class, a fraction in (0, 1].
        seed: Decides which rows; their order is the same for every share.
    """
    order = draws("share", seed, epoch=0).permutation(len(labels))
    kept = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        of_class = order[labels[order] == label]
        kept[of_class[: max(LEAST, round(share * len(of_class)))]] = True
    return np.flatnonzero(kept)


def _joined(first: Rows, second: Rows) -> Rows:
    digests = [rows.digests for rows in (first, second) if rows.digests is not None]
    return replace(
        first,
        inputs=[*first.inputs, *second.inputs],
        labels=np.concatenate([first.labels, second.labels]),
        origins=[*first.origins, *second.origins],
        domains=[*first.domains, *second.domains],
        groups=[*first.groups, *second.groups],
        digests=np.concatenate(digests) if len(digests) == 2 else None,
    )
