"""Tests distances of blocks, by hand; a token table takes its neighbour's."""

import pytest
import torch

from regraft.freezing.journey import Journey
from tests.tiny_sessions import grafted, spliced


def test_distances_are_those_of_the_dense_weights() -> None:
    network = grafted("image")
    journey = Journey(network.trunk, spliced(network))
    assert journey.distances() == [0.0, 0.0, 0.0]
    with torch.no_grad():
        network.get_parameter("trunk.middle.0.bias")[:2] += torch.tensor([3.0, 4.0])
    assert [round(d, 5) for d in journey.distances()] == [0.0, 5.0, 0.0]


def test_a_block_that_is_mostly_a_table_goes_with_the_next() -> None:
    network = grafted("text")
    chain = spliced(network)
    journey = Journey(network.trunk, chain)
    with torch.no_grad():
        network.get_parameter("trunk.embeddings.word_embeddings.weight").add_(1.0)
        network.get_parameter("trunk.embeddings.LayerNorm.bias").add_(1.0)
    assert journey.distances()[0] == journey.distances()[1] == 0.0
    with torch.no_grad():
        network.get_parameter("trunk.encoder.layer.0.output.dense.bias")[0] += 2.0
    assert [round(d, 5) for d in journey.distances()[:3]] == [2.0, 2.0, 0.0]


def test_gradients_are_summed_in_squares() -> None:
    network = grafted("image")
    journey = Journey(network.trunk, spliced(network))
    assert journey.gradients() == [0.0, 0.0, 0.0]
    bias = network.get_parameter("trunk.top.0.bias")
    bias.grad = torch.zeros_like(bias)
    bias.grad[:2] = torch.tensor([3.0, 4.0])
    assert journey.gradients() == [0.0, 0.0, 25.0]


def test_updates_are_counted_from_the_marks() -> None:
    network = grafted("image")
    journey = Journey(network.trunk, spliced(network))
    bias = network.get_parameter("trunk.top.0.bias")
    with torch.no_grad():
        bias[0] += 3.0
        marks = journey.marks()
        bias[0] += 0.5
    assert [round(d, 5) for d in journey.updates(marks)] == [0.0, 0.0, 0.5]
    assert round(journey.distances()[2], 5) == 3.5


def test_a_block_that_cannot_move_goes_with_the_next() -> None:
    network = grafted("image")
    journey = Journey(network.trunk, spliced(network), held=frozenset({0, 1}))
    with torch.no_grad():
        network.get_parameter("trunk.top.0.bias")[:2] += torch.tensor([3.0, 4.0])
    assert [round(d, 5) for d in journey.distances()] == [5.0, 5.0, 5.0]


@pytest.mark.usefixtures("no_doubles")
def test_a_device_without_doubles_will_do() -> None:
    network = grafted("image")
    journey = Journey(network.trunk, spliced(network))
    bias = network.get_parameter("trunk.top.0.bias")
    bias.grad = torch.ones_like(bias)
    assert journey.distances() == [0.0, 0.0, 0.0]
    assert round(journey.gradients()[2], 4) == len(bias)
