"""Makes two domains of easy features, for tests of adaptation."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from regraft.adaptation.domains import Adapted, Domains
from regraft.training.heads.probe import USUAL_STRENGTH, Features, Labelled, solve_probe

Labels = npt.NDArray[np.int64]
SHEAR = np.array([[1.0, 0.8], [0.8, 1.0]])


def two_classes(rows: int, seed: int, *, positive: float = 0.5) -> Labelled:
    """Returns (N, 2) features: classes apart along the first, as wide along the second."""
    generator = np.random.default_rng(seed)
    labels = (np.arange(rows) < positive * rows).astype(np.int64)
    generator.shuffle(labels)
    first = 2.0 * labels - 1 + 0.4 * generator.standard_normal(rows)
    second = 1.08 * generator.standard_normal(rows)
    return Labelled(np.stack([first, second], axis=1).astype(np.float32), labels)


def sheared(rows: int, seed: int = 9) -> Labelled:
    """Returns rows whose second feature is mixed into the first."""
    made = two_classes(rows, seed)
    return Labelled((made.features @ SHEAR).astype(np.float32), made.labels)


def moved(rows: int, seed: int = 9, *, positive: float = 0.5) -> Labelled:
    """Returns rows that are stretched and moved, feature by feature."""
    made = two_classes(rows, seed, positive=positive)
    features = made.features * np.array([3.0, 0.5]) + np.array([5.0, -2.0])
    return Labelled(features.astype(np.float32), made.labels)


def turned(rows: int, seed: int, *, by: float) -> Labelled:
    """Returns two narrow classes on a line through the origin, which is turned by radians."""
    generator = np.random.default_rng(seed)
    labels = (np.arange(rows) % 2).astype(np.int64)
    line = np.array([np.cos(by), np.sin(by)])
    features = (2.0 * labels - 1)[:, None] * line + 0.3 * generator.standard_normal((rows, 2))
    return Labelled(features.astype(np.float32), labels)


def alike(rows: int, seed: int, *, positive: float = 0.5) -> Labelled:
    """Returns (N, 2) features that say nothing of the two classes."""
    made = two_classes(rows, seed, positive=positive)
    noise = np.random.default_rng(seed).standard_normal((rows, 2))
    return Labelled(noise.astype(np.float32), made.labels)


def wide(
    rows: int,
    seed: int,
    *,
    shift: float = 0.0,
    counts: tuple[int, int, int] = (1, 1, 1),
    noise: float = 0.7,
) -> Labelled:
    """Returns (N, 6) features of three classes; a shift moves them all by feature.

    Args:
        rows: N.
        seed: Of the noise.
        shift: By which each feature moves more than the one before.
        counts: How many rows in turn each class has.
        noise: Its deviation; the classes lie 2.8 apart.
    """
    generator = np.random.default_rng(seed)
    labels = np.resize(np.repeat(np.arange(3), counts), rows).astype(np.int64)
    centres = 2 * np.eye(3, 6)
    features = centres[labels] + generator.standard_normal((rows, 6)) * noise
    return Labelled((features + shift * np.arange(6)).astype(np.float32), labels)


def domains(
    source: Labelled,
    target: Labelled,
    *,
    strength: float = 10.0,
    proportions: npt.NDArray[np.float64] | None = None,
) -> Domains:
    """Returns what a method is given; the target's labels stay behind."""
    classes = int(source.labels.max()) + 1
    start = replace(solve_probe(source, classes, strength=USUAL_STRENGTH), strength=strength)
    equal = np.full(classes, 1 / classes)
    none = Labelled(source.features[:0], source.labels[:0])
    shares = equal if proportions is None else proportions
    return Domains(source, none, target.features, start, shares)


def accuracy(adapted: Adapted, target: Labelled) -> float:
    """Returns the share of target rows that the adapted classifier gets right."""
    return share_right(adapted.on_target.logits(target.features), target.labels)


def share_right(logits: Features, labels: Labels) -> float:
    """Returns the share of rows whose largest logit is their label's."""
    return float((logits.argmax(axis=1) == labels).mean())
