"""Estimates the classes' proportions in rows without labels, from a classifier's answers.

Source: Saerens, Latinne and Decaestecker 2002, "Adjusting the Outputs of a Classifier to New
a Priori Probabilities: A Simple Procedure", Neural Computation 14 (EM); Lipton, Wang and
Smola 2018, "Detecting and Correcting for Label Shift with Black Box Predictors" (BBSE), ICML,
arXiv 1802.03916. Both are right where only the proportions differ. Where more differs they
part, so each is believed only as far as they agree (regraft).
"""

import numpy as np
import numpy.typing as npt

from regraft.adaptation.domains import Shares, shares_of
from regraft.scoring import metrics
from regraft.training.heads.probe import ABSENT

Probabilities = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
MOST = 2.0
"""A share is at most so many times the source's, and at least the same part of it."""
APART = 0.25
"""Total variation between the two estimates from which neither is believed."""
TEMPERATURES = np.geomspace(0.1, 10.0, 81)
ROUNDS = 200


def estimate_proportions(
    val_logits: npt.NDArray[np.float32],
    val_labels: Labels,
    *,
    target_logits: npt.NDArray[np.float32],
    shares: Shares,
) -> Shares:
    """Returns (K,) estimated shares of the classes in the target, between the two bounds.

    Args:
        val_logits: (M, K) of source rows that the classifier has not learnt from; see `unweighted`.
        val_labels: (M,).
        target_logits: (L, K), likewise.
        shares: (K,) of the classes in the source.
    """
    heat = temperature(val_logits, val_labels)
    found = proportions_at(
        heat, val_logits, val_labels=val_labels, target_logits=target_logits, shares=shares
    )
    return bounded(found, shares)


def unweighted(
    logits: npt.NDArray[np.float32], weights: npt.NDArray[np.float32] | None
) -> npt.NDArray[np.float32]:
    """Returns (N, K) logits as of a classifier whose loss weighed all classes alike.

    One whose loss weighed them by w gives w_k p_k p(x | k), so that log w is taken off. A class
    that it had no row of is left as it is.

    Args:
        logits: (N, K).
        weights: (K,) w of the classes, all above 0; None = equal ones.
    """
    if weights is None:
        return logits
    return np.where(logits == ABSENT, logits, logits - np.log(weights))


def bounded(found: Shares, shares: Shares) -> Shares:
    """Returns (K,) shares in proportion to those found, but within the bounds, of sum 1.

    Args:
        found: (K,) q.
        shares: (K,) p, of the source: the result is clip(c q, p / MOST, p MOST), and c such that
            the sum is 1.
    """
    low, high = -50.0, 50.0
    for _ in range(100):
        middle = (low + high) / 2
        made = (np.maximum(found, 1e-12) * np.exp(middle)).clip(shares / MOST, shares * MOST)
        low, high = (middle, high) if made.sum() < 1 else (low, middle)
    return np.asarray(made / made.sum())


def proportions_at(
    heat: float,
    val_logits: npt.NDArray[np.float32],
    *,
    val_labels: Labels,
    target_logits: npt.NDArray[np.float32],
    shares: Shares,
) -> Shares:
    """Returns (K,) estimated shares, not bounded; arguments as for `both_estimates`."""
    first, second = both_estimates(
        heat, val_logits, val_labels=val_labels, target_logits=target_logits, shares=shares
    )
    trust = max(0.0, 1 - float(np.abs(first - second).sum()) / 2 / APART)
    return np.asarray(shares + trust * ((first + second) / 2 - shares))


def both_estimates(
    heat: float,
    val_logits: npt.NDArray[np.float32],
    *,
    val_labels: Labels,
    target_logits: npt.NDArray[np.float32],
    shares: Shares,
) -> tuple[Shares, Shares]:
    """Returns (K,) shares as EM and as BBSE estimate them; neither is bounded.

    Args:
        heat: T of softmax(z / T), which calibrates the classifier.
        val_logits: (M, K) of source rows that the classifier has not learnt from.
        val_labels: (M,).
        target_logits: (L, K).
        shares: (K,) of the classes in the source.
    """
    known, asked = (metrics.softmax(z / np.float32(heat)) for z in (val_logits, target_logits))
    first = saerens(asked, shares)
    second = black_box(
        known.argmax(axis=1), val_labels, target_predicted=asked.argmax(axis=1), shares=shares
    )
    return first, second


def temperature(logits: npt.NDArray[np.float32], labels: Labels) -> float:
    """Returns the T of softmax(z / T) with the least log loss.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2. Rows of a
    class that the classifier had no row of say nothing of how sure it is of those that it knows.

    Args:
        logits: (M, K) z.
        labels: (M,).
    """
    known = logits[np.arange(len(labels)), labels] != ABSENT
    if known.any():
        logits, labels = logits[known], labels[known]
    losses = [
        metrics.row_losses(metrics.softmax(logits / np.float32(heat)), labels).mean()
        for heat in TEMPERATURES
    ]
    return float(TEMPERATURES[int(np.argmin(losses))])


def saerens(probabilities: Probabilities, shares: Shares) -> Shares:
    """Returns the fixed point of q_k = mean_i of q_k / p_k · P(k | x_i), normalised in i.

    Args:
        probabilities: (L, K) P, calibrated, of a classifier made for the shares p.
        shares: (K,) p, all above 0.
    """
    found = shares
    for _ in range(ROUNDS):
        weighted = probabilities * (found / shares)
        weighted /= np.maximum(weighted.sum(axis=1, keepdims=True), 1e-300)
        before, found = found, weighted.mean(axis=0)
        if np.abs(found - before).max() < 1e-6:
            break
    return np.asarray(found)


def black_box(
    val_predicted: Labels, val_labels: Labels, *, target_predicted: Labels, shares: Shares
) -> Shares:
    """Returns q with C q = m: C_ik the share of class k that is predicted as i, m the target's.

    Args:
        val_predicted: (M,) classes that the classifier says of source rows.
        val_labels: (M,) their classes.
        target_predicted: (L,) classes that it says of target rows.
        shares: (K,) given back where the equations have no use.
    """
    classes = len(shares)
    counts = metrics.confusion(val_labels, val_predicted, classes=classes).T.astype(np.float64)
    answers = counts / np.maximum(counts.sum(axis=0), 1)
    said = shares_of(target_predicted, classes=classes)
    found = np.linalg.lstsq(answers, said, rcond=1e-3)[0].clip(min=0)
    return np.asarray(found / found.sum()) if found.sum() > 0 else shares
