"""Tests that the methods get the features that the trunk makes, and source-only's head."""

from dataclasses import replace

import numpy as np
import pytest

from regraft.errors import DataError, DivergedError
from regraft.features.pooled import pooled_features
from regraft.runs.adapting.features import (
    check_finite,
    check_rows_of_classes,
    pool_domains,
    without_lost,
)
from regraft.runs.adapting.target import read_target
from regraft.training.precision import Verdict
from tests import tiny
from tests.unit.runs.adapting.conftest import Prepare, Steps, nobody


def test_the_target_s_features_are_those_of_its_rows(steps: Steps, verdict: Verdict) -> None:
    prepared, _, pools, target, domains = steps()
    expected = pooled_features(prepared.network, target.encoded, mode=verdict.inference)
    assert pools.target == pytest.approx(expected, abs=1e-5)
    assert np.array_equal(domains.target, pools.target[target.used])


def test_the_classifier_to_start_from_is_the_head_of_the_network(steps: Steps) -> None:
    prepared, _, _, _, domains = steps()
    head = prepared.network.head
    assert np.array_equal(domains.start.weight, head.last.weight.detach().numpy())
    assert np.array_equal(domains.start.bias, head.last.bias.detach().numpy())
    assert np.array_equal(domains.start.shift, head.shift.numpy())


def test_few_rows_have_no_validation_part_and_judge_themselves(steps: Steps) -> None:
    prepared, trained, pools, _, domains = steps(60)
    assert len(prepared.dataset.parts["val"]) == 0
    assert pools.part("val").shape == (0, 32)
    assert domains.judging is domains.source
    assert len(trained.val_labels) == len(domains.source.labels)


def test_proportions_are_positive_shares(steps: Steps) -> None:
    proportions = steps()[4].proportions
    assert proportions.sum() == pytest.approx(1.0)
    assert (proportions > 0).all()


def test_target_rows_without_finite_features_are_left_out_and_said(
    prepared: Prepare, verdict: Verdict
) -> None:
    made, said = prepared(), list[str]()
    texts, labels = tiny.texts_elsewhere(40)
    data = (tiny.numbered(texts), labels)
    target = read_target(data, made, score=True, say=nobody, learn=5)
    pools = pool_domains(made, verdict, target=target)
    spoilt = pools.target.copy()
    spoilt[[3, 7], 0] = np.nan, np.inf
    found, left = without_lost(
        replace(pools, target=spoilt), target, prepared=made, say=said.append
    )
    assert said == [
        "warning: 2 rows of the target left out: the network makes no finite numbers for them"
    ]
    assert np.array_equal(found.target, np.delete(pools.target, [3, 7], axis=0))
    counts = (len(left.rows), len(left.encoded), len(left.used), len(left.scored))
    assert counts == (38, 38, 38, 38)
    assert [problem.origin for problem in left.problems] == [
        target.rows.origins[3],
        target.rows.origins[7],
    ]
    known = dict(zip(*data, strict=True))
    for rows, numbers in ((left.scored, left.labels), (left.offered, left.answers)):
        texts = [str(left.rows.inputs[row]) for row in rows.tolist()]
        assert [made.dataset.classes[n] for n in numbers] == [known[text] for text in texts]


def test_finite_features_leave_everything_as_it_is(steps: Steps) -> None:
    prepared, _, pools, target, _ = steps()
    found = without_lost(pools, target, prepared=prepared, say=nobody)
    assert found == (pools, target)


def test_a_source_without_finite_features_and_a_target_with_too_few_are_refused(
    steps: Steps,
) -> None:
    prepared, _, pools, target, _ = steps()
    lost = np.full_like(pools.target, np.nan)
    with pytest.raises(DataError, match="target data has 0 rows that can be used"):
        without_lost(replace(pools, target=lost), target, prepared=prepared, say=nobody)
    spoilt = {**pools.source, "val": np.full_like(pools.part("val"), np.inf)}
    with pytest.raises(DataError, match=r"no finite numbers for .* of the source, the first"):
        without_lost(replace(pools, source=spoilt), target, prepared=prepared, say=nobody)


def test_features_that_are_no_numbers_any_more_are_said_to_have_diverged() -> None:
    check_finite([np.zeros((2, 2), np.float32)], whose="the trunk")
    with pytest.raises(DivergedError, match="features of the trunk are no finite numbers"):
        check_finite([np.full((2, 2), np.inf, np.float32)], whose="the trunk")


def test_a_class_without_training_rows_is_named(prepared: Prepare) -> None:
    texts, labels = tiny.toy_texts(240)
    labels[0] = "odd"  # in a group of other labels, which is put into the test part
    columns = {"text": texts, "label": labels, "who": [f"g{row // 4}" for row in range(240)]}
    made = prepared(source=columns, group="who")
    with pytest.raises(DataError, match="class 'odd' has no training rows in the source"):
        check_rows_of_classes(made)
