"""Tests that the methods get the features that the trunk makes, and source-only's head."""

import numpy as np
import pytest

from regraft.features.pooled import pooled_features
from regraft.training.precision import Verdict
from tests.unit.runs.adapting.conftest import Steps


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
