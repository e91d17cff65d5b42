"""Defines what is proved of a stretch with frozen blocks, from digests and counts."""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from regraft.backbones.chain import Chain


@dataclass(frozen=True)
class Stretch:
    """What was seen from a move of the line to the next.

    Args:
        phase: Name of the phase.
        before: SHA-256 of each frozen piece at the start, by name.
        after: The same at the end.
        start: Optimiser steps taken before it, over the whole run.
        stop: Those taken at its end.
        unmoved: Names of the pieces that were to move and did not.
        gradients: Frozen parameters that were seen with a gradient, summed over the steps.
        backwards: Backward calls through modules below the line.
        restless: Frozen modules found in training mode at either end.
        prefix: SHA-256 of the prefix's outputs on a fixed sample: in training mode and in
            evaluation, at the start (or where a process went on) and at the end; empty
            without a prefix.
        state_kept: Whether the optimiser's state was the one the stretch before had left.
    """

    phase: str
    before: dict[str, str]
    after: dict[str, str]
    start: int = 0
    stop: int = 0
    unmoved: tuple[str, ...] = ()
    gradients: int = 0
    backwards: int = 0
    restless: int = 0
    prefix: tuple[str, ...] = ()
    state_kept: bool = True

    @property
    def still(self) -> bool:
        """Says whether no frozen parameter or buffer changed by one bit."""
        return self.before == self.after

    @property
    def faults(self) -> list[str]:
        """What speaks against it, a sentence each; empty where the proof holds."""
        both = self.before.items() & self.after.items()
        changed = sorted(name for name, _ in (self.before.items() | self.after.items()) - both)
        found = [
            ("; ".join(dict.fromkeys(changed)), "frozen, and changed"),
            (", ".join(self.unmoved), "to be trained, and did not move"),
            (self.gradients, "times a frozen weight had a gradient"),
            (self.backwards, "backward calls went below the line"),
            (self.restless, "frozen modules were in training mode"),
            (len(set(self.prefix)) > 1, "the frozen prefix did not answer the same throughout"),
            (not self.state_kept, "the optimiser's state was lost before the stretch"),
        ]
        return [f"{self.phase}: {_words(seen)}{fault}" for seen, fault in found if seen]

    @property
    def holds(self) -> bool:
        """Says whether the proof holds."""
        return not self.faults

    def as_json(self) -> dict[str, Any]:
        """Returns plain data for `result.json`."""
        return {**asdict(self), "still": self.still, "holds": self.holds}


def stretch_from_json(content: dict[str, Any]) -> Stretch:
    """Returns the stretch that `Stretch.as_json` wrote down."""
    kept = {name: value for name, value in content.items() if name not in ("still", "holds")}
    listed = {name: tuple(kept[name]) for name in ("unmoved", "prefix")}
    return Stretch(**{**kept, **listed})


def block_digests(trunk: nn.Module, chain: Chain, *, line: int) -> dict[str, str]:
    """Returns the SHA-256 of the parameters and buffers of each block below the line."""
    state = tensors_of(trunk)
    return {
        block.name: digest_of(state, (*block.parameters, *block.buffers))
        for block in chain.blocks[:line]
    }


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """Returns all parameters and buffers, saved or not, by name."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def digest_of(tensors: dict[str, Tensor], names: Iterable[str]) -> str:
    """Returns the SHA-256 of the tensors that are named."""
    return digest({name: tensors[name] for name in names})


def state_digest(network: nn.Module) -> str:
    """Returns the SHA-256 of everything in the network's state dict."""
    return digest(network.state_dict())


def optimiser_digest(optimiser: torch.optim.Optimizer) -> str:
    """Returns the SHA-256 of the optimiser's moments and counters, in the order of its groups."""
    tensors: dict[str, Tensor] = {}
    members = [p for group in optimiser.param_groups for p in group["params"]]
    for number, parameter in enumerate(members):
        for name, value in optimiser.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                tensors[f"{number:06d}.{name}"] = value
    return digest(tensors)


def digest(tensors: dict[str, Tensor]) -> str:
    """Returns the SHA-256 of names and bytes in the order of the names."""
    hashed = hashlib.sha256()
    for name in sorted(tensors):
        hashed.update(name.encode() + b"\0")
        flat = tensors[name].detach().cpu().contiguous().reshape(-1)
        hashed.update(flat.view(torch.uint8).numpy().data)
    return hashed.hexdigest()


def _words(seen: object) -> str:
    return "" if isinstance(seen, bool) else f"{seen} "
