"""Estimates accuracy on rows without labels from how sure a classifier is of them.

Source: Garg, Balakrishnan, Lipton, Neyshabur and Sedghi 2022, "Leveraging Unlabeled Data to
Predict Out-of-Distribution Performance", ICLR, arXiv 2201.04234, equations 1 and 2 (ATC);
Guillory, Shankar, Ebrahimi, Darrell and Schmidt 2021, "Predicting with Confidence on Unseen
Distributions", ICCV, arXiv 2107.03315 (difference of confidences).
"""

import numpy as np
import numpy.typing as npt

Probabilities = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def negative_entropy(probabilities: Probabilities) -> Floats:
    """Returns (N,) s(x) = Σ_k p_k log p_k, in nats; 0 where the answer is sure."""
    logs = np.log(np.maximum(probabilities, 1e-300))
    return np.asarray((probabilities * logs).sum(axis=1))


def thresholded(known: Floats, right: Bools, *, asked: Floats) -> float:
    """Returns the share of asked rows that are surer than t (average thresholded confidence).

    t is where as many known rows fall below it as are wrong: P[s(x) < t] = P[wrong].

    Args:
        known: (M,) score s of labelled rows.
        right: (M,) whether the answer to them is right.
        asked: (L,) score s of rows without labels.
    """
    below = int((~right).sum())
    ordered = np.sort(known)
    if below == 0:
        return float((asked >= ordered[0]).mean())
    if below == len(ordered):
        return 0.0
    return float((asked > (ordered[below - 1] + ordered[below]) / 2).mean())


def confidence_difference(known: Floats, right: Bools, *, asked: Floats) -> float:
    """Returns the accuracy on known rows less what the mean confidence falls by, in [0, 1].

    Args:
        known: (M,) largest probability of labelled rows.
        right: (M,) whether the answer to them is right.
        asked: (L,) largest probability of rows without labels.
    """
    return float(np.clip(right.mean() - (known.mean() - asked.mean()), 0, 1))
