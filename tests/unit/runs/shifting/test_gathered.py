"""Both domains as features: whose rows, whose answers, and whose test rows are left alone."""

from typing import Any

import numpy as np
import pytest

from regraft.errors import DataError
from regraft.features import cached
from regraft.runs.shifting import gathered as module
from regraft.runs.shifting.comparison import compare_domains
from regraft.runs.shifting.gathered import source_rows
from regraft.training.heads.probe import Labelled, fit_probe
from tests import tiny
from tests.unit.runs.shifting.conftest import Gather


def test_rows_of_training_and_validation_are_compared_and_test_rows_are_not(
    gathered: Gather,
) -> None:
    prepared, target, found = gathered()
    counts = {part: len(rows) for part, rows in prepared.dataset.parts.items()}
    assert counts["test"] > 0
    assert len(found.source) == len(found.labels) == counts["train"] + counts["val"]
    assert len(found.target) == len(target.rows) == 60


def test_the_classifier_is_source_only_s(gathered: Gather) -> None:
    prepared, _, found = gathered()
    train, val = (prepared.dataset.parts[part] for part in ("train", "val"))
    features = found.source.features
    parts = (
        Labelled(features[: len(train)], train.labels),
        Labelled(features[len(train) :], val.labels),
    )
    probe = fit_probe(parts[0], 2, val=parts[1])
    assert np.array_equal(found.start.weight, probe.weight)
    assert found.recipe.strength == probe.strength


def test_few_validation_rows_are_joined_by_rows_left_out_in_turn(
    gathered: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = gathered()[2]
    assert len(found.known.labels) == len(found.labelled.labels) == len(found.labels)
    assert np.array_equal(found.known_features, found.labelled.features)
    monkeypatch.setattr(module, "ENOUGH", 10)
    prepared, _, found = gathered()
    val = prepared.dataset.parts["val"]
    assert np.array_equal(found.known.labels, val.labels)
    assert np.array_equal(found.known.logits, found.start.logits(found.known_features))


def test_so_many_rows_are_left_out_at_the_most(
    gathered: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 100)
    found = gathered()[2]
    assert len(found.labelled.labels) == len(found.known.labels) == 100
    assert len(found.source) > 100


def test_under_two_hundred_rows_there_is_no_validation_part(gathered: Gather) -> None:
    prepared, _, found = gathered(80)
    assert len(prepared.dataset.parts["val"]) == 0
    assert len(found.known.labels) == len(prepared.dataset.parts["train"])


@pytest.mark.parametrize(
    ("train", "groups"),
    [(2, False), (60, True)],
)
def test_a_source_of_which_nothing_can_be_left_out_is_refused(
    gathered: Gather, train: int, groups: bool
) -> None:
    texts, labels = tiny.toy_texts(train + 20)
    columns = {"text": texts, "label": labels, "split": ["train"] * train + ["test"] * 20}
    typed = {"group": "who"} if groups else {}
    columns |= {"who": ["ann"] * train + ["bob"] * 20} if groups else {}
    with pytest.raises(DataError, match=rf"{train} labelled rows are too few to leave some out"):
        gathered(source=columns, **typed)


def test_three_rows_are_enough_to_leave_some_out(gathered: Gather) -> None:
    texts, labels = tiny.toy_texts(23)
    columns = {"text": texts, "label": labels, "split": ["train"] * 3 + ["test"] * 20}
    prepared, _, found = gathered(source=columns)
    assert len(prepared.dataset.parts["train"]) == len(found.folds) == 3
    assert np.isfinite(compare_domains(found, seed=0).estimate.accuracy.value)


def test_rows_to_show_are_training_rows(gathered: Gather) -> None:
    prepared = gathered()[0]
    train = set(prepared.dataset.parts["train"].inputs)
    rows = source_rows(prepared, 20)
    assert len(rows) == 20
    assert set(rows.inputs) <= train


def test_target_rows_without_finite_features_are_not_compared(
    gathered: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = cached.pooled

    def spoilt(level: Any, rows: Any, *, cache: Any) -> Any:
        found = real(level, rows, cache=cache).copy()
        found[:2] = np.nan if len(found) == 60 else found[:2]
        return found

    monkeypatch.setattr(cached, "pooled", spoilt)
    found = gathered()[2]
    assert len(found.target) == len(found.rows.rows) == len(found.rows.scored) == 58
    assert np.isfinite(found.target.features).all()
    assert len(found.rows.problems) == 2


def test_a_class_without_training_rows_is_named(gathered: Gather) -> None:
    texts, labels = tiny.toy_texts(240)
    # In groups of other labels, which are put into test and val.
    labels[0], labels[52] = "odd", "even"
    columns = {"text": texts, "label": labels, "who": [f"g{row // 4}" for row in range(240)]}
    with pytest.raises(DataError, match="classes 'even', 'odd' have no training rows"):
        gathered(source=columns, group="who")
