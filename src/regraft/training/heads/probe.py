"""Makes a linear classifier on pooled features by L-BFGS, its strength chosen."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regraft.scoring import metrics
from regraft.training.heads.streamed import Streamed, blocks, moments

Features = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
STRENGTHS = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Inverse penalties tried, least first."""
COARSE = (0.001, 0.01, 0.1)
"""Those tried on many rows, where neighbours differ little and each costs much."""
USUAL_STRENGTH = 0.01
FOLDS = 5
FEWEST = 20
"""Rows from which leaving some out in turn says something of the penalty."""
CHEAP = 2_000_000
"""Rows times directions times classes up to which training rows are left out: about a second."""
STILL = 0.1
"""Share of the mean deviation below which a feature counts as still."""
AT_ONCE = 2**26
"""Numbers of features (a quarter of a GB) up to which a copy of all of them is made."""
ABSENT = -20.0
"""Bias of a class without training rows: its probability is nil, its logit finite."""


@dataclass(frozen=True)
class LinearProbe:
    """z = W ((x − shift) · scale) + b.

    Args:
        shift: (D,) mean of the training features.
        scale: (D,) one over their standard deviation.
        weight: (K, D).
        bias: (K,).
        strength: Inverse penalty C of the fit.
    """

    shift: Features
    scale: Features
    weight: Features
    bias: Features
    strength: float

    def logits(self, features: Features) -> Features:
        """Returns (N, K) logits of (N, D) features."""
        scaled = (features - self.shift) * self.scale
        return np.asarray(scaled @ self.weight.T + self.bias, np.float32)


@dataclass(frozen=True)
class Labelled:
    """(N, D) features with their (N,) labels.

    Args:
        features: Of each row.
        labels: Of each.
        units: (N,) numbers, equal for rows that belong together, as equal rows always do.
    """

    features: Features
    labels: Labels
    units: Labels | None = None


def fit_probe(
    train: Labelled,
    classes: int,
    *,
    val: Labelled | None = None,
    weights: Features | None = None,
) -> LinearProbe:
    """Returns the multinomial logistic regression on standardised features.

    The penalty is the one of the least log loss, which a few rows tell better than a count of
    right answers does: on rows for that, and where that is cheap on training rows left out
    in turn. Where there is neither, it is the usual one.

    Args:
        train: Rows to fit.
        classes: K; a class without rows is never predicted.
        val: Rows that choose the penalty; None = there are none.
        weights: (K,) weight of each class in the loss.
    """
    held = val if val is not None and len(val.labels) else None
    count, width = train.features.shape
    cheap = count * min(count, width) * classes <= CHEAP
    turned = cheap and count >= FEWEST
    if held is None and not turned:
        return solve_probe(train, classes, strength=USUAL_STRENGTH, weights=weights)
    tried = STRENGTHS if cheap else COARSE
    losses = dict.fromkeys(tried, 0.0)
    if turned:
        losses = _losses_in_turn(train, classes, tried, weights)
    if held is None:
        return solve_probe(train, classes, strength=_least(losses), weights=weights)
    found = {each: solve_probe(train, classes, strength=each, weights=weights) for each in tried}
    return found[_least({c: losses[c] + _loss(found[c], held, weights) for c in tried})]


def _least(losses: Mapping[float, float]) -> float:
    """Returns the penalty of the least loss; of equal ones that nearest the usual one."""
    return min(losses, key=lambda each: (losses[each], abs(np.log(each / USUAL_STRENGTH))))


def _losses_in_turn(
    train: Labelled, classes: int, strengths: Sequence[float], weights: Features | None
) -> dict[float, float]:
    """Returns the summed log loss of rows that are left out in turn, of each penalty.

    Rows of a class that is left out as a whole say nothing of a penalty. Of fewer rows than
    features only their own directions matter: the weights of a regression with a quadratic
    penalty are a sum of rows.
    """
    shift, scale = _standard(train.features)
    rows = (train.features - shift) * scale
    if rows.shape[0] < rows.shape[1]:
        rows = np.linalg.qr(rows.T)[1].T
    plain = (np.zeros(1, np.float32), np.ones(1, np.float32))
    parted = []
    for out in _turns(train):
        seen = Labelled(rows[~out], train.labels[~out])
        known = out & np.isin(train.labels, seen.labels)
        if known.any():
            parted.append((seen, Labelled(rows[known], train.labels[known])))
    return {
        each: sum(
            _loss(_classifier(seen, plain, classes, each, weights), left, weights)
            for seen, left in parted
        )
        for each in strengths
    }


def _turns(train: Labelled) -> list[npt.NDArray[np.bool_]]:
    """Returns (N,) which rows are left out in each turn, units whole, each class in like parts."""
    units = equal_rows(train.features)
    if train.units is not None:
        units = _merged(train.units, units)
    first, numbers = np.unique(units, return_index=True, return_inverse=True)[1:]
    order = np.random.default_rng(0).permutation(len(first))
    order = order[np.argsort(train.labels[first[order]], kind="stable")]
    turns = np.zeros(len(first), np.int64)
    turns[order] = np.arange(len(first)) % FOLDS
    place = turns[numbers]
    return [place == turn for turn in range(FOLDS)]


def _merged(first: Labels, second: Labels) -> Labels:
    """Returns (N,) numbers that are equal for rows that either numbering puts together."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    one, two = (np.unique(each, return_inverse=True)[1] for each in (first, second))
    nodes = int(one.max()) + int(two.max()) + 2
    links = (np.ones(len(one)), (one, two + int(one.max()) + 1))
    found = connected_components(coo_array(links, shape=(nodes, nodes)), directed=False)[1]
    return np.asarray(found[one], np.int64)


def equal_rows(features: Features) -> Labels:
    """Returns (N,) numbers that are equal for equal rows."""
    known: dict[bytes, int] = {}
    numbers = [known.setdefault(row.tobytes(), len(known)) for row in features]
    return np.array(numbers, np.int64)


def standard_scale(features: Features) -> Features:
    """Returns (D,) one over the standard deviations, those of still features held down.

    A channel that is dead on these rows has no deviation to speak of. Divided by it, the
    first twitch of a tuned trunk would become a number in the millions.

    Args:
        features: (N, D) of the training rows.
    """
    return _scale(moments(features)[1])


def _scale(deviations: npt.NDArray[np.float64]) -> Features:
    floor = max(STILL * float(deviations.mean()), 1e-6)
    result: Features = (1 / np.maximum(deviations, floor)).astype(np.float32)
    return result


def _loss(probe: LinearProbe, rows: Labelled, weights: Features | None) -> float:
    """Returns the sum of the rows' log losses, each weighed as its class is."""
    logits = np.concatenate([probe.logits(block) for block in blocks(rows.features)])
    losses = metrics.row_losses(metrics.softmax(logits), rows.labels)
    return float((losses if weights is None else losses * weights[rows.labels]).sum())


def solve_probe(
    train: Labelled, classes: int, *, strength: float, weights: Features | None = None
) -> LinearProbe:
    """Returns the regression with one penalty, by itself.

    Args:
        train: Rows to fit.
        classes: K; a class without rows is never predicted.
        strength: Inverse penalty C.
        weights: (K,) weight of each class in the loss.
    """
    return _classifier(train, _standard(train.features), classes, strength, weights)


def _standard(features: Features) -> tuple[Features, Features]:
    """Returns the (D,) shift and scale under which features are standardised."""
    mean, deviations = moments(features)
    return mean.astype(np.float32), _scale(deviations)


def _classifier(
    train: Labelled,
    standard: tuple[Features, Features],
    classes: int,
    strength: float,
    weights: Features | None,
) -> LinearProbe:
    """Returns the regression with one penalty on features shifted and scaled as given."""
    shift, scale = standard
    present = np.unique(train.labels)
    weight = np.zeros((classes, train.features.shape[1]), np.float32)
    bias = np.full(classes, ABSENT, np.float32)
    if len(present) == 1:
        bias[present] = 0
        return LinearProbe(shift, scale, weight, bias, strength)
    found = _regression(train, standard, strength, weights)
    weight[present], bias[present] = _both_sides(*found)
    return LinearProbe(shift, scale, weight, bias, strength)


def _regression(
    train: Labelled, standard: tuple[Features, Features], strength: float, weights: Features | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Returns weights and biases of the classes that have rows, by scikit-learn or in blocks."""
    from sklearn.linear_model import LogisticRegression

    per_row = None if weights is None else weights[train.labels]
    shift, scale = standard
    if train.features.size > AT_ONCE:
        numbers = np.unique(train.labels, return_inverse=True)[1].astype(np.int64)
        return Streamed(train.features, numbers, shift, scale, strength, per_row).solve()
    model = LogisticRegression(C=strength, max_iter=200, tol=1e-3)
    with warnings.catch_warnings():  # of few rows of many classes, as if these were numbers
        warnings.filterwarnings("ignore", message="The number of unique classes")
        model.fit((train.features - shift) * scale, train.labels, sample_weight=per_row)
    return model.coef_, model.intercept_


def _both_sides(
    weight: npt.NDArray[np.float64], bias: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Returns a row for each class; scikit-learn gives two classes a single one."""
    if len(weight) > 1:
        return weight, bias
    return np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
