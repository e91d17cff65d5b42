"""Makes the standardisation of each domain, and writes a classifier for another one.

Source: none (regraft).
"""

from dataclasses import dataclass

import numpy as np

from regraft.adaptation.domains import Adapted, Domains
from regraft.adaptation.solver import Linear, balanced_rows, solve
from regraft.training.heads.probe import STILL, Features, Labelled, LinearProbe


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
        source: (N, D); labelled rows of the target among them by the target's statistics.
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
    features, own = domains.source.features, domains.own
    source = scaling_of(features[own], domains.row_weights[own])
    target = scaling_of(domains.target)
    lent = target.apply(features[domains.lent_rows])
    rows = np.concatenate([source.apply(features[own]), lent])
    return Standardised(source, target, rows, target.apply(domains.target))


def first_classifier(domains: Domains, both: Standardised) -> Linear:
    """Returns what a method begins with: (K, D) weight and (K,) bias of standardised features.

    It is the source's classifier; where labelled rows of the target are among the source's,
    one that has learnt from both.
    """
    if not domains.lent:
        probe = rebased(domains.start, both.source_scaling)
        return probe.weight, probe.bias
    labels = domains.source.labels
    return solve(
        Labelled(both.source, labels),
        domains.classes,
        strength=domains.start.strength,
        weights=balanced_rows(labels, domains.class_weights),
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
