"""A network is called the way its own forward asks for."""

import pytest
import torch
from torch import Tensor, nn

from regraft.backbones.splicing.calling import (
    altered,
    as_batch,
    call,
    enlarged,
    frame,
    main_key,
    rows_and_tokens,
)
from regraft.errors import BackboneError

IDS = torch.tensor([[1, 2, 3], [4, 5, 0]])
TEXTS = {"input_ids": IDS, "attention_mask": (IDS > 0).long()}
IMAGES = {"pixels": torch.rand(2, 3, 4, 5)}


class ByPosition(nn.Module):
    def forward(self, anything: Tensor) -> str:
        return "position"


class ByName(nn.Module):
    def forward(self, mask: Tensor | None = None, pixel_values: Tensor | None = None) -> str:
        assert mask is None
        assert pixel_values is not None
        return "name"


class OfTexts(nn.Module):
    def forward(self, attention_mask: Tensor, input_ids: Tensor) -> Tensor:
        return input_ids * attention_mask


def test_pixels_go_by_position_or_under_the_name_that_the_network_has() -> None:
    assert call(ByPosition(), IMAGES) == "position"
    assert call(ByName(), IMAGES) == "name"


def test_texts_go_by_name() -> None:
    assert torch.equal(call(OfTexts(), TEXTS), IDS)


def test_a_tuple_becomes_a_batch_by_the_kind_of_its_tensors() -> None:
    assert as_batch((IMAGES["pixels"],)) == IMAGES
    assert list(as_batch((IDS, TEXTS["attention_mask"]))) == ["input_ids", "attention_mask"]
    assert as_batch(TEXTS) is TEXTS


@pytest.mark.parametrize("example", [(), {}, (IDS, IDS, IDS)])
def test_an_example_that_is_no_batch_is_refused(example: tuple[Tensor, ...]) -> None:
    with pytest.raises(BackboneError, match="a batch by name"):
        as_batch(example)


def test_extents_are_told_apart_into_rows_tokens_and_frame() -> None:
    assert rows_and_tokens(TEXTS) == (2, 3)
    assert rows_and_tokens(IMAGES) == (2, 0)
    assert frame(IMAGES) == (("pixels", (3, 4, 5)),)
    assert frame(TEXTS) == (("attention_mask", ()), ("input_ids", ()))


@pytest.mark.parametrize("batch", [TEXTS, IMAGES, {"input_ids": torch.zeros(1, 2).long()}])
def test_an_altered_batch_has_other_content_everywhere_in_the_same_frame(
    batch: dict[str, Tensor],
) -> None:
    key = main_key(batch)
    other = altered(batch)
    assert other[key].shape == batch[key].shape
    assert bool((other[key] != batch[key]).all())
    assert all(torch.equal(other[name], batch[name]) for name in batch if name != key)
    if key == "input_ids":
        assert int(other[key].max()) <= max(int(batch[key].max()), 1)


def test_an_enlarged_batch_is_longer_in_rows_and_tokens() -> None:
    assert enlarged(TEXTS)["input_ids"].tolist()[0] == [1, 1, 1, 1, 1, 1, 2, 3]
    assert rows_and_tokens(enlarged(TEXTS)) == (5, 8)
    assert enlarged(IMAGES)["pixels"].shape == (3, 3, 4, 5)
