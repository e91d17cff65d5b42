"""Tests that what tells the domains apart is left out of the features."""

import numpy as np

from regraft.adaptation.dann import Dann
from regraft.adaptation.residual import Pace
from regraft.adaptation.standardise import Standardise
from regraft.training.heads.probe import Labelled
from tests import two_domains

PACE = Pace(steps=500, rows=64, rate=1e-2, decay=0.0)


def tempting(rows: int, seed: int, *, helpful: bool) -> Labelled:
    """Returns rows with a second feature that gives the class away, or a like one that lies."""
    generator = np.random.default_rng(seed)
    labels = (np.arange(rows) % 2).astype(np.int64)
    signs = 2.0 * labels - 1
    first = signs + 0.6 * generator.standard_normal(rows)
    noise = generator.standard_normal(rows)
    second = signs + 0.1 * noise if helpful else noise
    return Labelled(np.stack([first, second], axis=1).astype(np.float32), labels)


def test_a_feature_that_tells_the_domains_apart_is_not_relied_on() -> None:
    source = tempting(400, 0, helpful=True)
    target = tempting(400, 1, helpful=False)
    given = two_domains.domains(source, target)
    before = two_domains.accuracy(Standardise().adapt(given), target)
    after = two_domains.accuracy(Dann(hidden=16, weight=3.0, pace=PACE).adapt(given), target)
    assert after > before + 0.1


def test_without_a_weight_it_is_only_trained_further_on_the_source() -> None:
    source = tempting(200, 0, helpful=True)
    given = two_domains.domains(source, tempting(100, 1, helpful=False))
    adapted = Dann(weight=0.0, pace=Pace(steps=20)).adapt(given)
    assert two_domains.share_right(adapted.on_source.logits(source.features), source.labels) > 0.97
