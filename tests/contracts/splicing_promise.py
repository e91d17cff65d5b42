"""Says whether a chain keeps its promise: spliced anywhere, the network is the whole."""

import copy
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from regraft.backbones.chain import Chain, call
from regraft.backbones.splicing.tree import primary

LIMIT = 1e-5
Batch = dict[str, Tensor]


class Whole:
    """One run of the whole network by the library alone: outputs, activations, gradients."""

    def __init__(self, network: nn.Module, chain: Chain, batch: Batch) -> None:
        self.activations: dict[int, Tensor] = {}
        self.activation_gradients: dict[int, Tensor] = {}
        with self._watched(network, chain):
            output = leading(call(network, batch))
        self.output = output.detach()
        loss(output).backward()
        self.gradients = gradients(network)
        self.buffers = {name: value.clone() for name, value in network.named_buffers()}

    @contextmanager
    def _watched(self, network: nn.Module, chain: Chain) -> Iterator[None]:
        with ExitStack() as hooks:
            for index, cut in list(enumerate(chain.cuts))[1:]:
                module = network.get_submodule(cut.path)
                hook = module.register_forward_hook(self._keeper(index))
                hooks.callback(hook.remove)
            yield

    def _keeper(self, index: int) -> Any:
        def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
            activation = leading(output)
            self.activations[index] = activation.detach().clone()
            activation.register_hook(
                lambda gradient: self.activation_gradients.update({index: gradient.clone()})
            )

        return keep


def leading(output: Any) -> Tensor:
    tensor = primary(output)
    assert tensor is not None
    return tensor


def loss(output: Tensor) -> Tensor:
    """Returns a number to which each element of the output contributes differently."""
    weights = torch.linspace(-1, 1, output.numel()).reshape(output.shape)
    return (output * weights).sum()


def gradients(network: nn.Module) -> dict[str, Tensor]:
    found = {n: p.grad for n, p in network.named_parameters() if p.grad is not None}
    network.zero_grad(set_to_none=True)
    return found


def distance(one: Tensor, other: Tensor) -> float:
    """Returns the largest difference, as a share of the largest value above 1."""
    assert one.shape == other.shape
    scale = max(1.0, float(other.abs().max()))
    return float((one - other).abs().max()) / scale


def check_everywhere(chain: Chain, batch: Batch, *, train: bool) -> None:
    """Fails where the suffix from any position differs from the whole network's run."""
    original = copy.deepcopy(chain.network)
    whole = Whole(original.train(train), chain, batch)
    buffers = copy.deepcopy(dict(chain.network.named_buffers()))
    for index in range(1, chain.top + 1):
        chain.network.train(train)
        _check_position(chain, index, whole=whole, batch=batch)
        for name, buffer in chain.network.named_buffers():
            buffer.copy_(buffers[name])


def _check_position(chain: Chain, index: int, *, whole: Whole, batch: Batch) -> None:
    before = {name: value.clone() for name, value in chain.network.named_buffers()}
    activation = whole.activations[index].clone().requires_grad_()
    output = leading(chain.suffix(index, activation, batch=batch))
    assert distance(output.detach(), whole.output) <= LIMIT
    loss(output).backward()
    assert torch.equal(activation.detach(), whole.activations[index])
    assert activation.grad is not None
    assert distance(activation.grad, whole.activation_gradients[index]) <= LIMIT
    _check_gradients(chain, index, whole)
    _check_buffers(chain, index, whole=whole, before=before)


def _check_gradients(chain: Chain, index: int, whole: Whole) -> None:
    found = gradients(chain.network)
    above = {name for block in chain.blocks[index:] for name in block.parameters}
    assert set(found) == above & set(whole.gradients)
    borrowed = set(chain.positions[index].borrowed)
    for name in set(found) - borrowed:
        assert distance(found[name], whole.gradients[name]) <= LIMIT, name


def _check_buffers(chain: Chain, index: int, *, whole: Whole, before: dict[str, Tensor]) -> None:
    after = dict(chain.network.named_buffers())
    for block in chain.blocks:
        for name in block.buffers:
            expected = before[name] if block.index < index else whole.buffers[name]
            assert torch.equal(after[name], expected), name
