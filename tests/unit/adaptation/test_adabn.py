"""Tests the statistics of batch norms against torch's own, and that nothing else changes."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from regraft.adaptation.adabn import AdaBn, Moments, norms_of
from regraft.backbones.chain import call
from regraft.errors import SettingsError
from regraft.freezing.proof import digest
from tests.unit.adaptation.conftest import Give


def test_moments_of_four_numbers_worked_by_hand() -> None:
    # 1, 3, 5 and 7: a mean of 4 and squared distances 9 + 1 + 1 + 9, over 4 - 1.
    moments = Moments()
    moments.add(3, torch.tensor([3.0]), variance=torch.tensor([4.0]))
    moments.add(1, torch.tensor([7.0]), variance=torch.tensor([0.0]))
    named = moments.named("norm")
    assert named["norm.running_mean"].tolist() == pytest.approx([4.0])
    assert named["norm.running_var"].tolist() == pytest.approx([20 / 3])


def test_with_all_rows_at_once_the_statistics_are_torch_s_own(pictures: Give) -> None:
    given = pictures()
    oracle = copy.deepcopy(given.trunk)
    for norm in norms_of(oracle).values():
        assert isinstance(norm, nn.BatchNorm2d)
        norm.momentum = 1.0
    oracle.train()
    with torch.no_grad():
        call(oracle, given.target.batch(np.arange(len(given.target))))
    found = AdaBn(prior=0.0, rows=len(given.target)).prepare(given).tensors
    wanted = oracle.state_dict()
    assert len(found) == 2 * len(norms_of(oracle))
    for name, tensor in found.items():
        assert tensor == pytest.approx(wanted[name], rel=1e-3, abs=1e-5), name


def test_few_target_rows_are_mixed_with_the_source_as_written(pictures: Give) -> None:
    given = pictures()
    own = given.trunk.state_dict()
    alone, mixed = (AdaBn(prior=prior).prepare(given).tensors for prior in (0.0, 8.0))
    for name, tensor in mixed.items():
        wanted = 8 / 32 * own[name] + 24 / 32 * alone[name]
        assert tensor == pytest.approx(wanted, rel=1e-4, abs=1e-5)


def test_the_network_stays_and_the_source_has_statistics_of_its_own(
    pictures: Give,
) -> None:
    given = pictures()
    before = digest(given.trunk.state_dict())
    changed = AdaBn().prepare(given)
    assert (changed.train, changed.val) == (None, None)
    swapped = AdaBn().prepare(replace(given, train=given.target, target=given.train))
    assert changed.source_tensors is not None
    for name, tensor in changed.source_tensors.items():
        assert torch.equal(tensor, swapped.tensors[name])
        assert not torch.equal(tensor, changed.tensors[name])
    assert digest(given.trunk.state_dict()) == before
    assert not changed.tensors.keys() & dict(given.trunk.named_parameters()).keys()
    assert not any(module.training for module in given.trunk.modules())


def test_it_does_not_matter_in_which_order_the_rows_came(pictures: Give) -> None:
    given = pictures()
    one_after_the_other = np.argsort(np.arange(len(given.train)) % 2, kind="stable")
    by_class = replace(given, train=given.train.take(one_after_the_other))
    first, second = (AdaBn(rows=8).prepare(each).source_tensors for each in (given, by_class))
    assert first is not None
    assert second is not None
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


def test_no_part_has_fewer_rows_than_go_through_together(pictures: Give) -> None:
    given = pictures()
    few = replace(given, target=given.target.take(np.arange(10)))
    found, whole = (AdaBn(rows=rows).prepare(few).tensors for rows in (8, 10))
    for name, tensor in found.items():
        assert torch.equal(tensor, whole[name]), name


def test_a_network_without_batch_norms_is_refused(pictures: Give, texts: Give) -> None:
    for given, words in ((pictures(), ""), (texts(), "no batch norm")):
        refusal = AdaBn().refusal(given.trunk, given.spec)
        assert (words in refusal) if words else (refusal == "")


def test_one_row_is_no_statistic() -> None:
    with pytest.raises(SettingsError, match=r"adabn:rows=1 \(expected: 8 or more\)"):
        AdaBn(rows=1)
