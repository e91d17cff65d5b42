"""Makes a record of one forward pass: which module started, ended and gave what."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node

from regraft.backbones.backbone import Batch
from regraft.backbones.splicing.calling import call
from regraft.backbones.splicing.tree import mapped, primary
from regraft.backbones.weights import forget_derived

Hook = Callable[..., None]


@dataclass
class Call:
    """One call of a module; start and end count events of the whole forward pass.

    Args:
        start: The number of the event at which the call began.
        end: The number of the event at which it ended; -1 while it runs.
        output: What the note-taker kept of its output.
        node: The node of the autograd graph that made its first floating tensor.
    """

    start: int
    end: int = -1
    output: Any = None
    node: Node | None = None


@dataclass
class Recording:
    """What happened in one forward pass.

    Args:
        calls: The calls of each module by path, in the order in which they ended.
        events: How many starts and ends were counted.
    """

    calls: dict[str, list[Call]]
    events: int = 0
    running: list[Call] = field(default_factory=list)

    def once(self, path: str) -> Call | None:
        """Returns the only call of a module, or None when there were none or several."""
        calls = self.calls[path]
        return calls[0] if len(calls) == 1 else None

    def end(self, path: str) -> int:
        """Returns when the last call of a module ended; -1 when there was none."""
        calls = self.calls[path]
        return calls[-1].end if calls else -1


def record(network: nn.Module, batch: Batch, *, note: Callable[[Any], Any]) -> Recording:
    """Returns the record of one forward pass in the network's present mode.

    Args:
        network: The network; hooks are put on all its modules and taken off again.
        batch: What to feed it.
        note: Makes what is kept of each output; it must not keep the output itself, which
            in-place operations change later.
    """
    recording = Recording({path: [] for path, _ in network.named_modules()})
    with ExitStack() as hooks:
        for path, module in network.named_modules():
            before = module.register_forward_pre_hook(_opener(recording), prepend=True)
            after = module.register_forward_hook(_closer(recording, path, note=note))
            hooks.callback(before.remove)
            hooks.callback(after.remove)
        call(network, batch)
    return recording


def cloned(output: Any) -> Any:
    """Returns the output with its tensors copied and cut off from the graph."""
    return mapped(output, lambda tensor: tensor.detach().clone(), kind=Tensor)


def _opener(recording: Recording) -> Hook:
    def opened(module: nn.Module, args: Any) -> None:
        recording.running.append(Call(recording.events))
        recording.events += 1

    return opened


def _closer(recording: Recording, path: str, *, note: Callable[[Any], Any]) -> Hook:
    def closed(module: nn.Module, args: Any, output: Any) -> None:
        made = recording.running.pop()
        made.end, made.output = recording.events, note(output)
        leading = primary(output)
        made.node = leading.grad_fn if leading is not None else None
        recording.events += 1
        recording.calls[path].append(made)

    return closed


@contextmanager
def at_rest(network: nn.Module, *, graph: bool) -> Iterator[None]:
    """Lets a network be watched in `eval()` mode and leaves no trace of it.

    Modes, `requires_grad`, buffers and random numbers are afterwards as they were before.

    Args:
        network: The network to watch.
        graph: Whether to build an autograd graph that reaches every parameter.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(_cuda_devices(network)))
        stack.enter_context(in_evaluation(network))
        stack.enter_context(_kept_buffers(network))
        stack.enter_context(torch.set_grad_enabled(graph))
        if graph:
            stack.enter_context(_all_require_grad(network))
        stack.callback(forget_derived, network)
        yield


def _cuda_devices(network: nn.Module) -> list[torch.device]:
    used = {parameter.device for parameter in network.parameters()}
    return [device for device in used if device.type == "cuda"]


@contextmanager
def in_evaluation(network: nn.Module) -> Iterator[None]:
    """Puts each module into evaluation and gives each its own mode back."""
    # The attribute is set, not `train()` called: whoever guards a frozen prefix overrides that.
    modes = [(module, module.training) for module in network.modules()]
    try:
        for module, _ in modes:
            module.training = False
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def _kept_buffers(network: nn.Module) -> Iterator[None]:
    before = [
        (module, name, buffer, buffer.detach().clone())
        for module in network.modules()
        for name, buffer in module.named_buffers(recurse=False)
    ]
    try:
        yield
    finally:
        for module, name, buffer, value in before:
            # Some modules fill a buffer anew (rotary frequencies), others write into it.
            module._buffers[name] = buffer
            _restore(buffer, value)


def _restore(buffer: Tensor, value: Tensor) -> None:
    if not torch.equal(buffer, value):
        buffer.detach().copy_(value)


@contextmanager
def _all_require_grad(network: nn.Module) -> Iterator[None]:
    floating = [p for p in network.parameters() if p.is_floating_point()]
    flags = [(parameter, parameter.requires_grad) for parameter in floating]
    try:
        for parameter in floating:
            parameter.requires_grad_(True)
        yield
    finally:
        for parameter, flag in flags:
            parameter.requires_grad_(flag)
