"""Makes a linear classifier without any training: from class means, or from class names."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from regraft.scoring import metrics
from regraft.training.heads.probe import ABSENT, Labelled, LinearProbe, standard_scale

Features = npt.NDArray[np.float32]
SHARPNESS = tuple(2.0**power for power in range(-12, 3))
"""Factors on the logits that are tried: they change how sure the answers are, not which."""


def class_means(train: Labelled, classes: int, *, val: Labelled | None = None) -> LinearProbe:
    """Returns the classifier by the nearest class mean: z_k = −s/2 · ‖x − μ_k‖² + const.

    ‖x‖² is the same for all classes, so that the rest is linear: s · (μ_k · x − ‖μ_k‖² / 2).
    The constant makes the mean logit over the training labels 0 for every x (their μ_k · x
    add up to 0 on standardised features), so that the highest one is never below that.

    Source: Snell, Swersky and Zemel 2017, arXiv 1703.05175, equations 1, 2 and 8.

    Args:
        train: Rows whose means are taken, on standardised features.
        classes: K; a class without rows is never predicted.
        val: Rows on which s makes the log loss smallest; None = the training rows.
    """
    shift, scale = train.features.mean(axis=0), standard_scale(train.features)
    weight = np.zeros((classes, train.features.shape[1]), np.float32)
    bias = np.full(classes, ABSENT, np.float32)
    scaled = (train.features - shift) * scale
    present, counts = np.unique(train.labels, return_counts=True)
    for number in present:
        weight[number] = scaled[train.labels == number].mean(axis=0)
        bias[number] = -(weight[number] ** 2).sum() / 2
    bias[present] -= np.average(bias[present], weights=counts)
    probe = LinearProbe(shift, scale, weight, bias, strength=1.0)
    return _sharpened(probe, val if val is not None and len(val.labels) else train)


def class_names(rows: Features, names: Features) -> LinearProbe:
    """Returns the classifier by the cosine to each class's name; no label is looked at.

    The logits have deviation 1 over the rows: nothing tells how sure they should be.

    Args:
        rows: (N, D) features of rows, for their mean and deviations.
        names: (K, D) features of the names.
    """
    shift, scale = rows.mean(axis=0), standard_scale(rows)
    named = (names - shift) * scale
    unit = named / np.maximum(np.linalg.norm(named, axis=1, keepdims=True), 1e-6)
    probe = LinearProbe(
        shift, scale, unit.astype(np.float32), np.zeros(len(names), np.float32), 1.0
    )
    spread = max(float(probe.logits(rows).std()), 1e-6)
    return replace(probe, weight=(unit / spread).astype(np.float32))


def _sharpened(probe: LinearProbe, rows: Labelled) -> LinearProbe:
    present = probe.bias != ABSENT
    tried = [
        replace(
            probe,
            weight=np.float32(s) * probe.weight,
            bias=np.where(present, np.float32(s) * probe.bias, ABSENT).astype(np.float32),
            strength=s,
        )
        for s in SHARPNESS
    ]
    return min(tried, key=lambda each: _log_loss(each, rows))


def _log_loss(probe: LinearProbe, rows: Labelled) -> float:
    probabilities = metrics.softmax(probe.logits(rows.features))
    return float(metrics.row_losses(probabilities, rows.labels).mean())
