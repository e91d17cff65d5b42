"""Makes the distance between the covariances of two samples.

Source: Sun and Saenko 2016, "Deep CORAL: Correlation Alignment for Deep Domain
Adaptation", equations 1 to 3, arXiv 1607.01719.
"""

from torch import Tensor


def coral(source: Tensor, target: Tensor) -> Tensor:
    """Returns the scalar ‖C_S − C_T‖²_F / (4 D²), computed in fp32.

    Args:
        source: (B, D), two rows or more.
        target: (C, D), two rows or more.
    """
    gap = covariance(source) - covariance(target)
    return gap.square().sum() / (4 * source.shape[1] ** 2)


def covariance(rows: Tensor) -> Tensor:
    """Returns the (D, D) unbiased covariance of (N, D) rows, in fp32."""
    centred = rows.float() - rows.float().mean(0)
    return centred.T @ centred / (len(rows) - 1)
