"""Heads, pooling and channels: what is put on a trunk, and what is put before it."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutput

from regraft.backbones.backbone import Pooling
from regraft.backbones.graft import (
    Grafted,
    apply_channels,
    make_head,
    parse_head,
    pool,
    restore_stem,
)
from regraft.errors import BackboneError, SettingsError

STATES = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]]])
MASK = {"attention_mask": torch.tensor([[1, 1, 0]])}


def seeded(seed: int = 5) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    "kind",
    [
        *("mlp", "mlp:", "mlp:0", "mlp:8,", "mlp:-3", "linear:3", "deep", "mlp:²"),
        *("mlp:65537", "mlp:8,99999999999999999999", "mlp:" + "9" * 5000),
    ],
)
def test_a_head_spelled_wrongly_is_told_the_grammar(kind: str) -> None:
    with pytest.raises(SettingsError, match=r"mlp:UNITS\[,UNITS"):
        parse_head(kind)


def test_hidden_widths_come_in_the_order_they_are_written() -> None:
    assert parse_head("mlp:8,4") == (8, 4)
    head = make_head("mlp:8,4", 6, classes=3, generator=seeded(), dropout=0.1)
    shapes = [tuple(p.shape) for n, p in head.named_parameters() if n.endswith("weight")]
    assert shapes == [(8, 6), (4, 8), (3, 4)]
    kinds = [type(layer).__name__ for layer in head.modules()][2:]
    assert kinds == ["Linear", "Sequential", "ReLU", "Dropout"] * 2 + ["Linear"]


def test_weights_have_the_same_names_with_dropout_and_without() -> None:
    with_it, without = (
        make_head("mlp:8", 6, classes=3, generator=seeded(), dropout=share) for share in (0.1, 0.0)
    )
    assert list(with_it.state_dict()) == list(without.state_dict())


def test_a_head_draws_from_its_generator_and_from_nothing_else() -> None:
    before = torch.get_rng_state()
    one, same, other = (
        make_head("mlp:8", 6, classes=3, generator=seeded(seed)).state_dict() for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["layers.0.weight"], other["layers.0.weight"])
    assert float(one["layers.0.weight"].abs().max()) <= 1 / math.sqrt(6)


def test_features_are_standardised_before_the_first_layer() -> None:
    head = make_head("linear", 2, classes=2, generator=seeded())
    head.shift.copy_(torch.tensor([1.0, 2.0]))
    head.scale.copy_(torch.tensor([10.0, 100.0]))
    last = head.layers[0]
    assert isinstance(last, nn.Linear)
    last.weight.data.copy_(torch.eye(2))
    last.bias.data.zero_()
    assert head(torch.tensor([[2.0, 4.0]])).tolist() == [[10.0, 200.0]]
    assert {"shift", "scale"} <= set(head.state_dict())


@pytest.mark.parametrize(
    "output",
    [STATES, (STATES, None), BaseModelOutput(last_hidden_state=STATES)],
    ids=["tensor", "tuple", "output"],
)
def test_means_are_taken_over_the_mask_from_any_kind_of_output(output: object) -> None:
    assert pool(output, MASK, pooling="mean").tolist() == [[2.0, 3.0]]


def test_other_poolings_give_one_vector_a_row() -> None:
    assert pool(STATES, MASK, pooling="cls").tolist() == [[1.0, 2.0]]
    assert pool(STATES, {}, pooling="mean")[0].tolist() == pytest.approx([13 / 3, 5.0])
    areas = torch.arange(8.0).reshape(1, 2, 2, 2)
    assert pool(areas, {}, pooling="map").tolist() == [[1.5, 5.5]]
    assert pool(torch.ones(1, 2), {}, pooling="none").tolist() == [[1.0, 1.0]]
    assert pool(torch.ones(1, 2, 1, 1), {}, pooling="none").tolist() == [[1.0, 1.0]]


def test_a_row_without_any_token_gives_zeros() -> None:
    empty = {"attention_mask": torch.zeros(1, 3)}
    assert pool(STATES, empty, pooling="mean").tolist() == [[0.0, 0.0]]


def test_the_mean_is_taken_in_fp32_under_autocast() -> None:
    # In bf16 the sum of 1001 ones stops at 256, and each mean is rounded to 8 bits.
    states = torch.full((1, 1001, 1), 1.0).to(torch.bfloat16)
    states[0, 0] = 2.0
    mask = {"attention_mask": torch.ones(1, 1001)}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        made = pool(states, mask, pooling="mean")
    assert made.dtype == torch.float32
    assert float(made) == pytest.approx(1002 / 1001, abs=1e-6)


@pytest.mark.parametrize(
    ("output", "pooling"),
    [(STATES, "none"), (STATES, "map"), (torch.ones(2, 2), "mean"), (None, "cls")],
)
def test_an_output_that_does_not_suit_the_pooling_is_refused(
    output: object, pooling: Pooling
) -> None:
    with pytest.raises(BackboneError, match="expected"):
        pool(output, {}, pooling=pooling)


def test_a_grafted_network_gives_logits_of_its_features() -> None:
    trunk = nn.Sequential(nn.Conv2d(3, 4, 1))
    network = Grafted(trunk, make_head("linear", 4, classes=2, generator=seeded()), pooling="map")
    batch = {"pixels": torch.rand(2, 3, 5, 5)}
    assert network.features(batch).shape == (2, 4)
    assert torch.equal(network(batch), network.head(network.features(batch)))


def test_grey_images_give_what_the_same_grey_in_all_channels_gave() -> None:
    stem = nn.Conv2d(3, 4, 3)
    grey = torch.rand(2, 1, 6, 6)
    before = stem(grey.expand(2, 3, 6, 6)).detach()
    apply_channels(stem, 1)
    assert stem.in_channels == 1
    assert torch.allclose(stem(grey), before, atol=1e-6)


@pytest.mark.parametrize("channels", [2, 3, 5, 6])
def test_more_or_fewer_channels_repeat_the_weights_at_the_same_total(channels: int) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.Conv2d(4, 4, 1))
    stem = network[0]
    assert isinstance(stem, nn.Conv2d)
    before = stem.weight.detach().clone()
    apply_channels(network, channels)
    assert stem.weight.shape == (4, channels, 3, 3)
    assert stem.weight.requires_grad
    assert torch.allclose(stem.weight[:, 0], before[:, 0] * (3 / channels))
    assert network(torch.rand(1, channels, 6, 6)).shape == (1, 4, 4, 4)


class Checking(nn.Module):
    """Compares the channels with a number of its own, as transformers' embeddings do."""

    def __init__(self) -> None:
        super().__init__()
        self.num_channels = 3
        self.config = SimpleNamespace(num_channels=3)
        self.projection = nn.Conv2d(3, 2, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        assert pixels.shape[1] == self.num_channels
        out: Tensor = self.projection(pixels)
        return out


def test_a_number_of_channels_that_is_checked_is_corrected() -> None:
    network = nn.Sequential(Checking())
    apply_channels(network, 4)
    assert network(torch.rand(1, 4, 2, 2)).shape == (1, 2, 2, 2)
    inside = network[0]
    assert isinstance(inside, Checking)
    assert inside.config.num_channels == 4


@pytest.mark.parametrize("network", [nn.Linear(3, 3), nn.Conv2d(4, 4, 1, groups=2)])
def test_a_network_without_a_plain_convolution_cannot_take_other_channels(
    network: nn.Module,
) -> None:
    with pytest.raises(BackboneError, match="plain convolution"):
        apply_channels(network, 1)


def test_a_head_knows_its_last_layer_its_classes_and_how_to_standardise() -> None:
    linear, deep = (
        make_head(kind, 2, classes=3, generator=seeded()) for kind in ("linear", "mlp:4")
    )
    assert (linear.hidden, deep.hidden) == (False, True)
    assert (linear.classes, deep.classes) == (3, 3)
    assert deep.last is deep.layers[-1]
    features = torch.tensor([[1.0, 2.0]])
    before = linear((features - 1) * 2).detach()
    linear.standardise(torch.ones(2), torch.full((2,), 2.0))
    assert torch.equal(linear(features), before)


def test_a_stem_is_put_back_as_it_was() -> None:
    network = nn.Sequential(Checking())
    inside = network[0]
    assert isinstance(inside, Checking)
    weight = inside.projection.weight
    apply_channels(network, 1)
    restore_stem(network, weight)
    assert inside.projection.weight is weight
    assert inside.projection.in_channels == 3
    assert inside.config.num_channels == inside.num_channels == 3
    assert network(torch.rand(1, 3, 2, 2)).shape == (1, 2, 2, 2)
