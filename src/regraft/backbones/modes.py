"""Decides in which number format and with which attention kernel a network runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch

from regraft.backbones.attention import AttentionKind

Precision = Literal["fp32", "bf16", "fp16"]
DTYPES: dict[Precision, torch.dtype] = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


def plain_attention() -> None:
    """Keeps torch's own attention layers to one way of computing, in training and out of it.

    Their fast path, taken in evaluation alone, reads weights without calling the layers that
    hold them, so that what stands beside a layer is passed over, and gives texts with padding
    to the next layer as nested tensors, which cannot be cut, stored or digested.
    """
    torch.backends.mha.set_fastpath_enabled(False)


@dataclass(frozen=True)
class Mode:
    """One way to run a network.

    Args:
        precision: Number format of the matrix products; parameters stay in fp32.
        attention: Attention kernel of transformers networks; the others have none.
        device: Where the network runs (`cpu`, `cuda`, `mps`).
    """

    precision: Precision = "fp32"
    attention: AttentionKind = "sdpa"
    device: str = "cpu"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Opens a stretch in which matrix products take this mode's precision."""
        plain_attention()
        # Numbers below 1e-38 are handled by the processor's slow path: EfficientNet's dead
        # channels are full of them: a training step takes much longer.
        torch.set_flush_denormal(True)
        enabled = self.precision != "fp32"
        kind = torch.device(self.device).type
        with torch.autocast(kind, dtype=DTYPES[self.precision], enabled=enabled):
            yield
