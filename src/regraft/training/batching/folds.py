"""Makes folds of few rows, so that every row is validated once and equal rows never part."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FOLDS = 5


def assign_folds(keys: Sequence[str], labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Returns (N,) the fold, 0..4, of each row; classes are spread evenly over the folds.

    Rows of one key share a fold. A pure function of keys and labels, whatever the order.

    Args:
        keys: N contents or groups.
        labels: (N,) numbers of classes; a key's class is the lowest of its rows.
    """
    classes: dict[str, int] = {}
    for key, label in zip(keys, labels.tolist(), strict=True):
        classes[key] = min(label, classes.get(key, label))
    # Counted on from class to class, so that classes of few keys do not all fill fold 0.
    ordered = sorted(classes, key=lambda key: (classes[key], _hash(key)))
    folds = {key: place % FOLDS for place, key in enumerate(ordered)}
    return np.array([folds[key] for key in keys], np.int64)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
