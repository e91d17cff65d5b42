"""Tests that source rows which look like the target's weigh more."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from regraft.adaptation import reweight
from regraft.adaptation.labelled import with_labelled
from regraft.adaptation.reweight import Reweight
from regraft.adaptation.solver import solve
from regraft.adaptation.source_only import SourceOnly
from regraft.errors import SettingsError
from regraft.losses.cross_entropy import balanced_weights
from regraft.training.heads.probe import Labelled
from tests import two_domains


def bent(rows: int, seed: int, *, side: float) -> Labelled:
    """Returns rows whose class depends on the first feature right of 0, on the second left."""
    generator = np.random.default_rng(seed)
    features = generator.standard_normal((rows, 2))
    features[:, 0] += side
    labels = np.where(features[:, 0] > 0, features[:, 1] > 0, features[:, 1] < 0)
    return Labelled(features.astype(np.float32), labels.astype(np.int64))


def test_it_follows_the_half_of_the_source_where_the_target_lies() -> None:
    source, target = bent(800, 0, side=-0.3), bent(400, 1, side=2.0)
    given = two_domains.domains(source, target, strength=1.0)
    before = two_domains.accuracy(SourceOnly().adapt(given), target)
    after = two_domains.accuracy(Reweight(most=50.0, strength=1.0).adapt(given), target)
    assert after > before + 0.2


def test_no_row_weighs_more_than_it_may() -> None:
    source, target = bent(200, 0, side=-1.0), bent(200, 1, side=3.0)
    odds = Reweight(most=2.0, least=0.5, strength=1.0)._odds(source.features, target.features)
    assert odds.max() <= 2.0
    assert odds.min() >= 0.5


def test_both_domains_are_read_alike() -> None:
    given = two_domains.domains(two_domains.two_classes(60, 0), two_domains.moved(40))
    adapted = Reweight().adapt(given)
    assert adapted.on_source is adapted.on_target


@pytest.mark.parametrize("options", [{"least": 0.0}, {"least": 9.0}, {"strength": 0.0}])
def test_bounds_that_cannot_be_kept_are_refused(options: dict[str, float]) -> None:
    name = "most" if "least" in options and options["least"] > 1 else next(iter(options))
    with pytest.raises(SettingsError, match=f"reweight:{name}="):
        Reweight(**options)


@pytest.mark.parametrize("lent", [0, 20])
def test_classes_count_the_same_under_the_odds_where_they_shall(
    monkeypatch: pytest.MonkeyPatch, lent: int
) -> None:
    source, target = (two_domains.two_classes(200, n, positive=0.3 + 0.5 * n) for n in (0, 1))
    given = two_domains.domains(source, target)
    given = replace(given, class_weights=balanced_weights(source.labels, 2))
    given = with_labelled(given, Labelled(target.features[:lent], target.labels[:lent]))
    seen: list[Any] = []

    def solved(*rows: Any, weights: Any = None, **named: Any) -> Any:
        seen.append(weights)
        return solve(*rows, weights=weights, **named)

    monkeypatch.setattr(reweight, "solve", solved)
    Reweight(strength=1.0).adapt(given)
    weights, labels = seen[-1], given.source.labels
    first, second = (weights[labels == number] for number in (0, 1))
    assert first.max() > 1.2 * first.min()
    assert first.sum() == pytest.approx(second.sum(), rel=1e-4)
