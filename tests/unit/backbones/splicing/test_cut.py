"""At a cut the prefix stops, and the network's own forward goes on from the activation."""

import pytest
import torch
from torch import Tensor, nn

from regraft.backbones.splicing.calling import call
from regraft.backbones.splicing.cut import Cut, run_prefix, skipping
from regraft.backbones.splicing.shapes import Shapes, Sketch
from regraft.errors import BackboneError

BATCH = {"pixels": torch.tensor([[-1.0, 2.0]])}
SKETCH = Sketch(("B", 2), torch.float32)


class Forbidden(nn.Module):
    def forward(self, value: Tensor) -> Tensor:
        raise ValueError("ran")


class Caught(nn.Module):
    """A library that catches every error of the layers it calls."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Identity()

    def forward(self, pixels: Tensor) -> Tensor:
        try:
            return self.layer(pixels) + 1  # type: ignore[no-any-return]
        except Exception:
            return pixels


def test_nothing_above_the_cut_runs_for_the_prefix() -> None:
    network = nn.Sequential(nn.ReLU(), Forbidden())
    assert run_prefix(network, Cut("0", 2), batch=BATCH).tolist() == [[0.0, 2.0]]
    assert not network[0]._forward_hooks


def test_a_library_that_catches_errors_does_not_stop_the_prefix() -> None:
    network = Caught()
    assert run_prefix(network, Cut("layer", 2), batch=BATCH).tolist() == [[-1.0, 2.0]]


def test_a_module_that_is_not_reached_is_named() -> None:
    network = nn.Sequential(nn.ReLU())
    network[0].register_module("idle", nn.Identity())
    with pytest.raises(BackboneError, match=r"did not run 0\.idle"):
        run_prefix(network, Cut("0.idle", 2), batch=BATCH)


def test_nothing_below_the_cut_runs_for_the_suffix() -> None:
    network = nn.Sequential(Forbidden(), nn.Identity(), nn.ReLU())
    shapes = Shapes(network, BATCH, rules={"0": [SKETCH], "1": [SKETCH]})
    activation = torch.tensor([[-5.0, 5.0]])
    with skipping(
        network, Cut("1", 4, stubs=("0",)), shapes=shapes, activation=activation, batch=BATCH
    ):
        assert call(network, BATCH).tolist() == [[0.0, 5.0]]
    with pytest.raises(ValueError, match="ran"):
        call(network, BATCH)


def test_a_layer_in_place_that_runs_on_both_sides_may_meet_thin_stubs() -> None:
    relu = nn.ReLU(inplace=True)
    network = nn.Sequential(nn.Identity(), relu, nn.Identity(), relu)
    shapes = Shapes(network, BATCH, rules={"0": [SKETCH], "2": [SKETCH]})
    cut = Cut("2", 6, stubs=("0",), early=("1",))
    activation = torch.tensor([[-5.0, 5.0]])
    with skipping(network, cut, shapes=shapes, activation=activation, batch=BATCH):
        assert call(network, BATCH).tolist() == [[0.0, 5.0]]
    assert relu.inplace
    assert activation.tolist() == [[-5.0, 5.0]]
