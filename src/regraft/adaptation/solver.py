"""Makes a linear classifier of standardised rows, each with a weight of its own.

Source: none (regraft); multinomial logistic regression by scikit-learn's L-BFGS, as in the
linear probe.
"""

import warnings

import numpy as np
import numpy.typing as npt

from regraft.adaptation.numbers import NotFiniteError
from regraft.training.heads.probe import ABSENT, Features, Labelled

Linear = tuple[Features, Features]
"""(K, D) weight and (K,) bias."""


def solve(
    rows: Labelled, classes: int, *, strength: float, weights: Features | None = None
) -> Linear:
    """Returns the weight and the bias; a class without rows is never predicted.

    Args:
        rows: (N, D) standardised features and labels.
        classes: K.
        strength: Inverse penalty, for a sum of weights of N.
        weights: (N,) weight of each row in the loss; None = equal ones.

    Raises:
        NotFiniteError: If a feature, as a method may have drawn it, is no finite number.
    """
    from sklearn.linear_model import LogisticRegression

    if not np.isfinite(rows.features).all():
        raise NotFiniteError
    present = np.unique(rows.labels)
    weight = np.zeros((classes, rows.features.shape[1]), np.float32)
    bias = np.full(classes, ABSENT, np.float32)
    if len(present) == 1:
        bias[present] = 0
        return weight, bias
    model = LogisticRegression(C=strength, max_iter=200, tol=1e-3)
    with warnings.catch_warnings():  # of few rows of many classes, as if these were numbers
        warnings.filterwarnings("ignore", message="The number of unique classes")
        model.fit(rows.features, rows.labels, sample_weight=weights)
    weight[present], bias[present] = _for_each_class(model.coef_), _for_each_class(model.intercept_)
    return weight, bias


def balanced_rows(labels: npt.NDArray[np.int64], class_weights: Features | None) -> Features:
    """Returns (N,) the weight of each row's class, 1 where the classes have none."""
    if class_weights is None:
        return np.ones(len(labels), np.float32)
    return np.asarray(class_weights[labels], np.float32)


def joined(first: Labelled, second: Labelled) -> Labelled:
    """Returns the rows of both, one after the other."""
    return Labelled(
        np.concatenate([first.features, second.features]),
        np.concatenate([first.labels, second.labels]),
    )


def _for_each_class(found: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns a row for each class; scikit-learn gives two classes a single one."""
    return found if len(found) > 1 else np.concatenate([-found, found]) / 2
