"""A recording tells what ran when, and leaves no trace in the network."""

import pytest
import torch
from torch import Tensor, nn

from regraft.backbones.splicing.recording import at_rest, cloned, record

BATCH = {"pixels": torch.ones(2, 3)}


class Restless(nn.Module):
    """Changes everything that a module can change while it runs."""

    count: Tensor
    fresh: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(1))
        self.register_buffer("fresh", torch.zeros(1))
        self.line = nn.Linear(3, 3)

    def forward(self, pixels: Tensor) -> Tensor:
        self.count += 1
        self.fresh = torch.ones(1)
        out: Tensor = self.line(pixels + torch.rand(1))
        return out


def chain() -> nn.Module:
    relu = nn.ReLU(inplace=True)
    return nn.Sequential(nn.Linear(3, 3), relu, nn.Linear(3, 3), relu)


def test_starts_and_ends_are_numbered_in_order() -> None:
    made = record(chain(), BATCH, note=cloned)
    assert [(call.start, call.end) for call in made.calls["1"]] == [(3, 4), (7, 8)]
    assert made.once("1") is None
    first = made.once("0")
    assert first is not None
    assert (first.start, first.end) == (1, 2)
    assert made.end("") == made.events - 1


def test_outputs_are_kept_as_they_were_before_an_operation_in_place() -> None:
    network = chain()
    made = record(network, BATCH, note=cloned).calls["0"][0].output
    first = network.get_submodule("0")
    assert torch.equal(made, first(BATCH["pixels"]).detach())


def test_hooks_are_taken_off_after_an_error_too() -> None:
    network = chain()
    with pytest.raises(RuntimeError):
        record(network, {"pixels": torch.ones(2, 5)}, note=cloned)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())


@pytest.mark.parametrize("graph", [True, False])
def test_a_network_at_rest_is_found_again_as_it_was(graph: bool) -> None:
    network = Restless()
    network.line.weight.requires_grad_(False)
    network.line.eval()
    count, fresh, random = network.count, network.fresh, torch.get_rng_state()
    with at_rest(network, graph=graph):
        assert not network.training
        assert network.line.weight.requires_grad is graph
        assert network(BATCH["pixels"]).requires_grad is graph
    assert network.count is count
    assert network.fresh is fresh
    assert float(count) == float(fresh) == 0
    assert torch.equal(torch.get_rng_state(), random)
    assert network.training
    assert not network.line.training
    assert not network.line.weight.requires_grad


def test_a_guard_on_train_is_not_asked_by_a_network_at_rest() -> None:
    network = chain()

    def refuse(mode: bool = True) -> nn.Module:
        raise AssertionError("train() was called")

    vars(network)["train"] = refuse
    with at_rest(network, graph=False):
        assert not network.training
    assert network.training
