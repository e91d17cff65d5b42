"""Makes points in a plane from the features of both domains, before and after adapting."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from regraft.adaptation.domains import Adapted, Domains
from regraft.training.heads.probe import Features, LinearProbe

Document = dict[str, Any]
POINTS = 200
"""Rows of a domain that are drawn: more only cover each other."""


@dataclass(frozen=True)
class Plane:
    """Two directions in which source-only tells the source's classes apart.

    Args:
        classes: (K, 2) of class-centred logits; (K, 1) of two classes, which make one.
        inputs: (D, 0) or, of two classes, (D, 1): the direction across the classes' own in
            which the head's input varies most.
    """

    classes: Features
    inputs: Features

    def points(self, probe: LinearProbe, features: Features) -> Features:
        """Returns (N, 2) where a classifier sees rows.

        Args:
            probe: The classifier, which reads this domain.
            features: (N, D).
        """
        along = _centred(probe.logits(features)) @ self.classes
        return np.concatenate([along, _inputs(probe, features) @ self.inputs], axis=1)


@dataclass(frozen=True)
class Seen:
    """Both domains as a method's classifier reads them.

    Args:
        adapted: The classifier.
        source: (N, D) training rows.
        target: (L, D) rows that were adapted to.
    """

    adapted: Adapted
    source: Features
    target: Features


def projection(domains: Domains, kept: Seen | None) -> Document:
    """Returns points of both domains under source-only and, if there is one, what was kept.

    The plane is that of the logits' two largest principal components over the source, one
    for both pictures. Points are in root mean squares of the source's.

    Args:
        domains: Features of both, as source-only reads them.
        kept: The same rows as the method reads them that was kept; None = source-only.
    """
    rows = [_picked(len(features)) for features in (domains.source.features, domains.target)]
    start = Adapted(domains.start, domains.start)
    before = Seen(start, domains.source.features[rows[0]], domains.target[rows[1]])
    plane = plane_of(domains.start, before.source)
    found = {
        "classes": domains.source.labels[rows[0]].tolist(),
        "before": _picture(plane, before),
    }
    if kept is None:
        return found
    after = Seen(kept.adapted, kept.source[rows[0]], kept.target[rows[1]])
    return {**found, "after": _picture(plane, after)}


def plane_of(start: LinearProbe, source: Features) -> Plane:
    """Returns the plane of some source rows.

    Args:
        start: The source-only classifier.
        source: (N, D).
    """
    logits = _centred(start.logits(source))
    if logits.shape[1] > 2:
        return Plane(_leading(logits, 2), np.zeros((source.shape[1], 0), np.float32))
    inputs, line = _inputs(start, source), start.weight[1] - start.weight[0]
    unit = line / max(float(np.linalg.norm(line)), 1e-12)
    across = inputs - np.outer(inputs @ unit, unit)
    return Plane(_leading(logits, 1), _leading(across, 1))


def _picture(plane: Plane, seen: Seen) -> Document:
    source = plane.points(seen.adapted.on_source, seen.source)
    target = plane.points(seen.adapted.on_target, seen.target)
    middle = source.mean(axis=0)
    spread = np.sqrt(((source - middle) ** 2).mean(axis=0)) + 1e-12
    pairs = {"source": source, "target": target}
    return {name: np.round((p - middle) / spread, 3).tolist() for name, p in pairs.items()}


def _picked(count: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Returns row numbers at even distances, so that every part of a sorted file is there."""
    return np.linspace(0, count - 1, min(count, POINTS)).astype(np.intp)


def _centred(logits: Features) -> Features:
    return np.asarray(logits - logits.mean(axis=1, keepdims=True), np.float32)


def _inputs(probe: LinearProbe, features: Features) -> Features:
    return np.asarray((features - probe.shift) * probe.scale, np.float32)


def _leading(rows: Features, count: int) -> Features:
    """Returns (D, count) principal directions; of the components that tie, the last is positive."""
    _, _, directions = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    kept = directions[:count]
    sizes = np.abs(kept)
    # Of two classes both are as large, up to rounding: which one is must not depend on that.
    ties = sizes >= 0.99 * sizes.max(axis=1, keepdims=True)
    last = kept.shape[1] - 1 - ties[:, ::-1].argmax(axis=1)
    signs = np.where(kept[np.arange(len(kept)), last] < 0, -1, 1)
    return np.asarray((kept * signs[:, None]).T, np.float32)
