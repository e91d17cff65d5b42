"""Nested outputs are gone through in order and built again in their own kind."""

from collections import namedtuple
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutput

from regraft.backbones.splicing.tree import is_plain, leaves, mapped, primary, tensors

Pair = namedtuple("Pair", ["left", "right"])


def doubled(tensor: Tensor) -> Tensor:
    return tensor * 2


@pytest.mark.parametrize(
    "value",
    [
        torch.ones(2),
        (torch.ones(2), None),
        [torch.ones(2), 3],
        {"a": torch.ones(2), "b": "word"},
        Pair(torch.ones(2), None),
        BaseModelOutput(last_hidden_state=torch.ones(2)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_structure_keeps_its_kind_and_all_that_is_no_leaf(value: Any) -> None:
    made = mapped(value, doubled, kind=Tensor)
    assert type(made) is type(value)
    assert torch.equal(tensors(made)[0], torch.full((2,), 2.0))
    assert torch.equal(tensors(value)[0], torch.ones(2))
    rest = [leaf for leaf in leaves(made) if not isinstance(leaf, Tensor)]
    assert rest == [leaf for leaf in leaves(value) if not isinstance(leaf, Tensor)]


def test_a_library_output_can_be_read_by_attribute_after_the_change() -> None:
    made = mapped(BaseModelOutput(last_hidden_state=torch.ones(2)), doubled, kind=Tensor)
    assert torch.equal(made.last_hidden_state, torch.full((2,), 2.0))


def test_the_primary_tensor_is_the_first_floating_one() -> None:
    wanted = torch.zeros(3)
    assert primary((torch.tensor([1]), {"x": [wanted]}, torch.ones(1))) is wanted
    assert primary((1.0, None)) is None


def test_only_tensors_numbers_and_words_are_plain() -> None:
    assert is_plain((torch.ones(1), None, 1, [2.0, "w"], {"k": True}))
    assert not is_plain((torch.ones(1), object()))
