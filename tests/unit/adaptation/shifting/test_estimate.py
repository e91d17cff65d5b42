"""The estimate: near the truth on domains that are known, with an interval that holds it."""

import numpy as np
import pytest

from regraft.adaptation.shifting.estimate import (
    REACH,
    Estimate,
    Signs,
    combined,
    estimate_accuracy,
    estimates,
)
from regraft.adaptation.shifting.held_out import Recipe, held_out
from regraft.training.heads.probe import Labelled

RECIPE = Recipe(2, 0.01)


def blurred(rows: int, seed: int, *, signal: float) -> Labelled:
    """Returns (N, 40) features that speak more or less loudly for the class."""
    generator = np.random.default_rng(seed)
    labels = (np.arange(rows) % 2).astype(np.int64)
    means = signal * (2.0 * labels - 1)
    noise = generator.standard_normal((rows, 40))
    return Labelled((means[:, None] + noise).astype(np.float32), labels)


def estimated(target: Labelled) -> tuple[Estimate, float]:
    """Returns the estimate for a target, and the truth."""
    source = blurred(500, 0, signal=0.2)
    folds = np.arange(500) // 2 % 5
    known = held_out(source, RECIPE, folds=folds)
    logits = RECIPE.fit(source).logits(target.features)
    found = estimate_accuracy(
        (source, folds),
        (known, source.features),
        target=(logits, target.features),
        recipe=RECIPE,
        seed=0,
    )
    return found, float((logits.argmax(axis=1) == target.labels).mean())


@pytest.mark.parametrize("signal", [0.2, 0.1, 0.05])
def test_the_estimate_follows_the_truth(signal: float) -> None:
    found, truth = estimated(blurred(600, 1, signal=signal))
    assert found.accuracy.value == pytest.approx(truth, abs=0.1)
    assert found.accuracy.low <= found.accuracy.value <= found.accuracy.high
    assert found.source.value == pytest.approx(0.86, abs=0.06)
    assert set(found.methods) == {
        "importance_weighted",
        "thresholded_confidence",
        "confidence_difference",
        "agreement",
    }


def test_the_same_seed_gives_the_same_estimate() -> None:
    target = blurred(100, 1, signal=0.1)
    assert estimated(target)[0] == estimated(target)[0]


def test_signs_that_are_near_are_averaged_and_far_ones_leave_agreement() -> None:
    def one(agreed: float, sure: float) -> float:
        return combined({"agreement": agreed, "confidence_difference": sure})

    assert one(0.8, 0.8) == pytest.approx(0.8)
    assert one(0.8, 0.81) == pytest.approx(0.805, abs=1e-3)
    assert one(0.3, 0.9) == pytest.approx(0.3, abs=1e-3)
    # A gap of the reach: w = ½ e⁻¹.
    assert one(0.5, 0.5 + REACH) == pytest.approx(0.5 + 0.18394 * REACH, abs=1e-5)


def test_the_interval_is_wider_where_the_signs_part() -> None:
    from regraft.adaptation.shifting.estimate import _with_interval

    rows = np.ones(400)
    known = np.stack([rows * 0.9, -rows], axis=1)
    right = np.arange(400) % 10 > 0

    def width(agreed: float) -> float:
        signs = Signs(right, rows, known, known, rows * 0.9, rows * agreed)
        assert estimates(signs)["agreement"] == pytest.approx(agreed)
        found = _with_interval(signs, 0)
        return found.high - found.low

    assert width(0.3) > width(0.9) + 0.4
