"""Tests that a trunk wears other values for a while, and that copies may move."""

import pytest
import torch
from torch import nn

from regraft.adaptation.preparation import differences, free_copy, put_tensors, worn
from regraft.freezing.line import Above
from regraft.freezing.patterns import is_norm
from regraft.freezing.proof import digest
from tests.unit.adaptation.conftest import Give


def layer() -> nn.Linear:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Linear(2, 2)


def test_values_are_worn_for_a_while_and_put_back_even_after_a_failure() -> None:
    trunk = layer()
    before = digest(trunk.state_dict())

    def fail() -> None:
        with worn(trunk, {"bias": torch.tensor([5.0, 6.0])}):
            assert trunk.bias.tolist() == [5.0, 6.0]
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    assert digest(trunk.state_dict()) == before


def test_differences_are_the_tensors_that_differ_and_make_one_the_other() -> None:
    first, second = layer(), layer()
    assert differences(first, second) == {}
    put_tensors(second, {"bias": torch.tensor([5.0, 6.0])})
    found = differences(first, second)
    assert list(found) == ["bias"]
    put_tensors(first, found)
    assert digest(first.state_dict()) == digest(second.state_dict())


def test_a_copy_of_a_frozen_trunk_may_move(pictures: Give) -> None:
    trunk = pictures().trunk.requires_grad_(False)
    for module in trunk.modules():
        module.__dict__["train"] = lambda mode=True: None
    made = free_copy(trunk).train()
    assert all(p.requires_grad for p in made.parameters())
    assert all(module.training for module in made.modules())
    assert not trunk.training
    assert not any(p.requires_grad for p in trunk.parameters())


def test_what_the_user_froze_stands_still_in_a_copy_too(pictures: Give) -> None:
    trunk = pictures().trunk.requires_grad_(False)
    path = next(name for name, module in trunk.named_modules() if name and is_norm(module))
    still = Above(frozenset({f"{path}.weight", f"{path}.bias"}), frozenset({path}))
    made = free_copy(trunk, but=still).train()
    assert {n for n, p in made.named_parameters() if not p.requires_grad} == still.parameters
    assert {n for n, module in made.named_modules() if not module.training} == {path}
