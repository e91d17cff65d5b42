"""Makes the standardisation of each domain, and writes a classifier for another one.

Source: none (regraft).
"""

from dataclasses import dataclass

import numpy as np

from regraft.adaptation.domains import Adapted, Domains
from regraft.training.heads.probe import STILL, Features, LinearProbe


@dataclass(frozen=True)
class Scaling:
    """z = (x − shift) · scale, both (D,)."""

    shift: Features
    scale: Features

    def apply(self, features: Features) -> Features:
        """Returns (N, D) standardised features."""
        return np.asarray((features - self.shift) * self.scale, np.float32)


def scaling_of(features: Features, weights: Features | None = None) -> Scaling:
    """Returns the standardisation by the features' own mean and deviation.

    Features that hardly move are held down as in the linear probe.

    Args:
        features: (N, D).
        weights: (N,) weight of each row; None = equal ones.
    """
    mean = np.average(features, axis=0, weights=weights)
    deviations = np.sqrt(np.average((features - mean) ** 2, axis=0, weights=weights))
    floor = max(STILL * float(deviations.mean()), 1e-6)
    scale = 1 / np.maximum(deviations, floor)
    return Scaling(mean.astype(np.float32), scale.astype(np.float32))


@dataclass(frozen=True)
class Standardised:
    """Both domains, each by its own statistics.

    Args:
        source_scaling: The source's, its classes weighted to the target's proportions.
        target_scaling: The target's.
        source: (N, D).
        target: (L, D).
    """

    source_scaling: Scaling
    target_scaling: Scaling
    source: Features
    target: Features

    def adapted(self, weight: Features, bias: Features, *, strength: float) -> Adapted:
        """Returns one linear classifier of standardised features, for either domain.

        Args:
            weight: (K, D).
            bias: (K,).
            strength: Inverse penalty of its fit.
        """
        readers = (self.source_scaling, self.target_scaling)
        made = (LinearProbe(r.shift, r.scale, weight, bias, strength) for r in readers)
        return Adapted(*made)


def standardise_each(domains: Domains) -> Standardised:
    """Returns both domains standardised, each by its own statistics."""
    source = scaling_of(domains.source.features, domains.row_weights)
    target = scaling_of(domains.target)
    return Standardised(
        source, target, source.apply(domains.source.features), target.apply(domains.target)
    )


def rebased(probe: LinearProbe, scaling: Scaling) -> LinearProbe:
    """Returns a classifier with the same logits, written for another standardisation.

    With x = z / s + m it is W (x − a) t + b = (W t / s) z + b + W ((m − a) t).

    Args:
        probe: W, a = its shift, t = its scale, b.
        scaling: m = its shift, s = its scale.
    """
    weight = probe.weight.astype(np.float64)
    turned = weight * (probe.scale / scaling.scale.astype(np.float64))
    moved = (scaling.shift.astype(np.float64) - probe.shift) * probe.scale
    bias = probe.bias + weight @ moved
    return LinearProbe(
        scaling.shift,
        scaling.scale,
        turned.astype(np.float32),
        bias.astype(np.float32),
        probe.strength,
    )
