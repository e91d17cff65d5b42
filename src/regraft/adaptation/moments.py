"""Makes covariances, and the map that gives one sample the covariance of another.

Source: Sun, Feng and Saenko 2016, "Return of Frustratingly Easy Domain Adaptation", AAAI,
algorithm 1, arXiv 1511.05547.
"""

import numpy as np
import numpy.typing as npt

from regraft.training.heads.probe import Features

Square = npt.NDArray[np.float64]


def covariance(features: Features, weights: Features | None = None) -> Square:
    """Returns the (D, D) covariance of the rows.

    Args:
        features: (N, D).
        weights: (N,) weight of each row; None = equal ones.
    """
    values = features.astype(np.float64)
    centred = values - np.average(values, axis=0, weights=weights)
    shares = np.full(len(values), 1.0) if weights is None else weights.astype(np.float64)
    return np.asarray((centred * (shares / shares.sum())[:, None]).T @ centred)


def recolouring(source: Square, target: Square, *, ridge: float) -> Square:
    """Returns the (D, D) map A = (C_S + λ I)^(−1/2) (C_T + λ I)^(1/2).

    Rows z of the source have the target's covariance as z A, as far as λ lets them.

    Args:
        source: C_S.
        target: C_T.
        ridge: λ, above 0.
    """
    eye = ridge * np.eye(len(source))
    return _power(source + eye, -0.5) @ _power(target + eye, 0.5)


def _power(matrix: Square, exponent: float) -> Square:
    """Returns a power of a symmetric matrix with eigenvalues above 0."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 1e-12) ** exponent) @ vectors.T)
