"""Tests self-training: which rows are taken, and that they teach."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from regraft.adaptation import pseudo
from regraft.adaptation.pseudo import Pseudo, surest
from regraft.adaptation.solver import solve
from regraft.adaptation.standardise import Standardise
from regraft.errors import SettingsError
from regraft.losses.cross_entropy import balanced_weights
from tests import two_domains

SURE = np.array([[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8], [0.45, 0.55]])


def test_the_surest_share_of_each_class_is_taken() -> None:
    assert surest(SURE, 0.5, threshold=0.99).tolist() == [True, False, True, True, False]


def test_rows_above_the_threshold_are_taken_in_any_case() -> None:
    assert surest(SURE, 0.0, threshold=0.7).tolist() == [True, False, True, True, False]
    assert surest(SURE, 0.0, threshold=0.85).tolist() == [True, False, False, False, False]


def test_it_follows_classes_that_turn_step_by_step() -> None:
    source, target = two_domains.turned(500, 0, by=0.0), two_domains.turned(500, 1, by=1.3)
    given = two_domains.domains(source, target)
    before = two_domains.accuracy(Standardise().adapt(given), target)
    method = Pseudo(shares=(0.3,) * 6, weight=5.0)
    assert two_domains.accuracy(method.adapt(given), target) > before + 0.02


def test_rows_of_the_target_weigh_as_much_together_as_was_asked() -> None:
    given = two_domains.domains(two_domains.two_classes(100, 0), two_domains.moved(100))
    found = [Pseudo(weight=w).adapt(given).on_target.weight for w in (0.01, 1.0)]
    assert not np.allclose(found[0], found[1])


@pytest.mark.parametrize("wrong", [{"threshold": 2.0}, {"shares": (0.5, 2.0)}, {"threshold": 0.0}])
def test_what_is_no_share_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"pseudo:(threshold|shares)="):
        Pseudo(**wrong)


def test_classes_of_the_target_count_the_same_where_they_shall(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Though their shares are others than the source's."""
    source, target = (two_domains.two_classes(200, n, positive=0.2 + 0.6 * n) for n in (0, 1))
    given = two_domains.domains(source, target)
    given = replace(given, class_weights=balanced_weights(source.labels, 2))
    seen: list[tuple[Any, Any]] = []

    def solved(rows: Any, *others: Any, weights: Any, **named: Any) -> Any:
        seen.append((rows.labels, weights))
        return solve(rows, *others, weights=weights, **named)

    monkeypatch.setattr(pseudo, "solve", solved)
    Pseudo(weight=0.4).adapt(given)
    own = len(given.source.labels)
    for labels, weights in seen:
        guessed, of_class = weights[own:], labels[own:]
        assert set(of_class.tolist()) == {0, 1}
        assert guessed.sum() == pytest.approx(0.4 * weights[:own].sum(), rel=1e-5)
        assert guessed[of_class == 1].sum() == pytest.approx(guessed[of_class == 0].sum(), rel=1e-4)
