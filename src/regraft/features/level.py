"""Defines a level: what a frozen prefix makes of rows, always in chunks of the same shape."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regraft.backbones.attention import attention_of, set_attention
from regraft.backbones.backbone import Batch
from regraft.backbones.chain import Chain
from regraft.backbones.graft import Grafted
from regraft.backbones.modes import Mode
from regraft.data.encode import Encoded
from regraft.data.spec import InputSpec
from regraft.data.texts import TokenRows
from regraft.features.pooled import to_device
from regraft.freezing.proof import digest_of, tensors_of
from regraft.machine import processor_name

FORMAT = 1
"""Of the store; another one makes other keys."""
TOKENS = 4096
"""Tokens of a chunk of texts, padding included."""
IMAGES = 32
"""Images of a chunk."""
STEP = 8
"""Texts are padded to a multiple of so many tokens."""
HALF = {torch.bfloat16: torch.int16, torch.float16: torch.int16}
"""Kinds of numbers that are kept as the integers of their bits: NumPy lacks the first."""
Array = npt.NDArray[np.generic]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Chunk:
    """Rows that go through a prefix together.

    Args:
        indices: (B,) of the rows.
        size: Rows of the batch: more than B where it is filled up with copies of the first.
        extent: Tokens of each row of the batch; 0 for images.
    """

    indices: Indices
    size: int
    extent: int


def chunks(rows: Encoded) -> Iterator[Chunk]:
    """Yields all rows in chunks whose shapes depend on nothing but a row's own length.

    So what comes out for a row does not depend on its neighbours: a batch of another shape
    may be multiplied by another kernel, which rounds differently.
    """
    if not isinstance(rows, TokenRows):
        for start in range(0, len(rows), IMAGES):
            yield Chunk(np.arange(start, min(start + IMAGES, len(rows))), IMAGES, 0)
        return
    extents = -(-rows.lengths // STEP) * STEP
    order = np.argsort(-extents, kind="stable")
    for extent in np.unique(extents)[::-1].tolist():
        members = order[extents[order] == extent]
        size = max(1, TOKENS // extent)
        for start in range(0, len(members), size):
            yield Chunk(members[start : start + size], size, extent)


def chunk_batch(rows: Encoded, chunk: Chunk) -> Batch:
    """Returns the batch of a chunk, filled up to its shape."""
    filler = np.full(chunk.size - len(chunk.indices), chunk.indices[0], np.int64)
    batch = rows.batch(np.concatenate([chunk.indices, filler]))
    if not isinstance(rows, TokenRows):
        return batch
    return padded(batch, chunk.extent, pad_id=rows.pad_id)


def padded(batch: Batch, extent: int, *, pad_id: int) -> Batch:
    """Returns a batch of texts with `extent` tokens a row."""
    missing = extent - batch["input_ids"].shape[1]
    values = {"input_ids": pad_id, "attention_mask": 0}
    pad = torch.nn.functional.pad
    return {name: pad(tensor, (0, missing), value=values[name]) for name, tensor in batch.items()}


@dataclass(frozen=True)
class Level:
    """A position of a network below which everything is frozen.

    Args:
        network: The grafted network.
        chain: Its trunk's blocks.
        line: The position; at P what is kept is pooled.
        spec: How the network is fed, if it is known.
        mode: Of the pass.
    """

    network: Grafted
    chain: Chain
    line: int
    spec: InputSpec | None
    mode: Mode

    @property
    def pooled(self) -> bool:
        """Says whether the whole trunk is below, so that one vector a row is enough."""
        return self.line == self.chain.top

    @cached_property
    def key(self) -> str:
        """SHA-256 of all that the numbers depend on besides the rows."""
        content = {
            "format": FORMAT,
            "prefix": self._weights(),
            "line": self.line,
            "pooling": self.network.pooling if self.pooled else "",
            "spec": _spec_words(self.spec),
            "mode": asdict(self.mode),
            "chunk": [TOKENS, IMAGES, STEP],
            "machine": [processor_name(), torch.get_num_threads(), torch.__version__],
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @torch.inference_mode()
    def pass_through(self, rows: Encoded, chunk: Chunk) -> list[Array]:
        """Returns what the prefix makes of a chunk's rows: B arrays at their true lengths."""
        training, attention = self.network.training, attention_of(self.network.trunk)
        self.network.eval()
        set_attention(self.network.trunk, self.mode.attention)
        with self.mode.running():
            batch = to_device(chunk_batch(rows, chunk), self.mode.device)
            made = self._compute(batch)
        self.network.train(training)
        set_attention(self.network.trunk, attention)
        return _rows_of(made, rows, chunk)

    def _compute(self, batch: Batch) -> Tensor:
        if self.pooled:
            return self.network.features(batch).unsqueeze(1)
        return self.chain.prefix(self.line, batch)

    def _weights(self) -> str:
        named = tensors_of(self.network.trunk)
        blocks = self.chain.blocks[: self.line]
        names = {name for block in blocks for name in (*block.parameters, *block.buffers)}
        borrowed = set() if self.pooled else set(self.chain.positions[self.line].borrowed)
        return digest_of(named, names | borrowed)


def numbers_of(tensor: Tensor) -> Array:
    """Returns a tensor as NumPy has it; half numbers as the integers of their bits."""
    kind = HALF.get(tensor.dtype)
    found: Array = (tensor if kind is None else tensor.view(kind)).cpu().numpy()
    return found


def tensor_of(numbers: Array, dtype: torch.dtype) -> Tensor:
    """Returns the tensor that `numbers_of` was given, its numbers copied."""
    tensor = torch.from_numpy(np.array(numbers))
    return tensor.view(dtype) if dtype in HALF else tensor


def _rows_of(made: Tensor, rows: Encoded, chunk: Chunk) -> list[Array]:
    arrays = numbers_of(made[: len(chunk.indices)])
    if not chunk.extent or made.shape[1] != chunk.extent:
        return list(arrays)
    lengths = rows.lengths[chunk.indices].tolist()
    return [array[:length] for array, length in zip(arrays, lengths, strict=True)]


def _spec_words(spec: InputSpec | None) -> dict[str, Any]:
    """Returns a spec as plain data; of a tokenizer's folder nothing, the tokens tell."""
    if spec is None:
        return {}
    words = {name: value for name, value in vars(spec).items() if name != "tokenizer"}
    return {name: repr(value) for name, value in words.items()}
