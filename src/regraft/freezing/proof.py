"""Makes the proof that frozen blocks stood still, from their digests at both ends."""

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from regraft.backbones.chain import Chain


@dataclass(frozen=True)
class Stretch:
    """Blocks frozen from the start of a phase to its end.

    Args:
        phase: Name of the phase.
        before: SHA-256 of each frozen block at the start, by name.
        after: The same at the end.
    """

    phase: str
    before: dict[str, str]
    after: dict[str, str]

    @property
    def still(self) -> bool:
        """Says whether no frozen parameter or buffer changed by one bit."""
        return self.before == self.after


def block_digests(trunk: nn.Module, chain: Chain, *, line: int) -> dict[str, str]:
    """Returns the SHA-256 of the parameters and buffers of each block below the line."""
    state = {**dict(trunk.named_parameters()), **dict(trunk.named_buffers())}
    return {
        block.name: _digest({n: state[n] for n in (*block.parameters, *block.buffers)})
        for block in chain.blocks[:line]
    }


def state_digest(network: nn.Module) -> str:
    """Returns the SHA-256 of everything in the network's state dict."""
    return _digest(network.state_dict())


def _digest(tensors: dict[str, Tensor]) -> str:
    """Hashes names and bytes in the order of the names."""
    hashed = hashlib.sha256()
    for name in sorted(tensors):
        hashed.update(name.encode() + b"\0")
        flat = tensors[name].detach().cpu().contiguous().reshape(-1)
        hashed.update(flat.view(torch.uint8).numpy().data)
    return hashed.hexdigest()
