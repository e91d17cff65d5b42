"""Defines a level: what a frozen prefix makes of rows, always in chunks of the same shape."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regraft.backbones.attention import attention_of, set_attention
from regraft.backbones.backbone import Batch
from regraft.backbones.chain import Chain
from regraft.backbones.graft import Grafted, pool
from regraft.backbones.modes import Mode
from regraft.backbones.vocabulary import Reduced
from regraft.data.encode import Encoded
from regraft.data.spec import InputSpec
from regraft.data.texts import TokenRows
from regraft.features.identity import code_words, machine_words, spec_words
from regraft.features.numbers import Array, numbers_of
from regraft.features.pooled import to_device
from regraft.freezing.proof import digest_of, tensors_of
from regraft.machine import if_it_fits

FORMAT = 1
"""Of the store; another one makes other keys."""
TOKENS = 1024
"""Tokens of a chunk of texts, padding included: as fast a token as longer ones on a CPU."""
TOKENS_BESIDE = 16384
"""The same where a GPU does the arithmetic."""
IMAGES = 32
"""Images of a chunk."""
STEP = 8
"""Texts are padded to a multiple of so many tokens."""
ACTIVATION = "activation"
"""Key of a batch under which what a lower level made of its rows lies."""
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


@dataclass(frozen=True)
class Made:
    """What a prefix made of a chunk's rows.

    Args:
        arrays: One for each row, at its true length.
        whole: Whether the chunk went through as it is; its halves may be rounded otherwise,
            so that nothing of them goes under the key of the level.
    """

    arrays: list[Array]
    whole: bool


def chunks(
    rows: Encoded, *, limit: int | None = None, tokens: int | None = None
) -> Iterator[Chunk]:
    """Yields all rows in chunks whose shapes depend on nothing but a row's own length.

    So what comes out for a row does not depend on its neighbours: a batch of another shape
    may be multiplied by another kernel, which rounds differently.

    Args:
        rows: N rows.
        limit: Most tokens that the network takes; None = as many as there are.
        tokens: Of a chunk of texts; None = those that suit a CPU.
    """
    if not isinstance(rows, TokenRows):
        for start in range(0, len(rows), IMAGES):
            yield Chunk(np.arange(start, min(start + IMAGES, len(rows))), IMAGES, 0)
        return
    extents = _extents(rows, limit)
    for extent in np.unique(extents)[::-1].tolist():
        members = np.flatnonzero(extents == extent)
        size = max(1, (tokens or TOKENS) // extent)
        for start in range(0, len(members), size):
            yield Chunk(members[start : start + size], size, extent)


def _extents(rows: TokenRows, limit: int | None) -> Indices:
    """Returns (N,) the tokens that each row has in its chunk, padding included."""
    lengths = rows.lengths
    extents: Indices = -(-lengths // STEP) * STEP
    return extents if limit is None else np.maximum(np.minimum(extents, limit), lengths)


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
        chain: Its trunk's blocks; None where the whole trunk is meant.
        line: The position; at P what is kept is pooled.
        spec: How the network is fed, if it is known.
        mode: Of the pass.
        reduced: The token table, where it was made smaller for a while.
    """

    network: Grafted
    chain: Chain | None
    line: int
    spec: InputSpec | None
    mode: Mode
    reduced: Reduced | None = None

    @property
    def pooled(self) -> bool:
        """Says whether the whole trunk is below, so that one vector a row is enough."""
        return self.chain is None or self.line == self.chain.top

    @cached_property
    def key(self) -> str:
        """SHA-256 of all that the numbers depend on besides the rows."""
        with self._as_it_came():
            content = {**self._content(), "tokens": self._tokens_known()}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def _as_it_came(self) -> AbstractContextManager[None]:
        """Opens a stretch with the whole token table, if what is in use of it never moved.

        Runs on other texts use other rows of the table, and share what they make of a text.
        """
        if self.reduced is None or not self.reduced.untouched:
            return nullcontext()
        return self.reduced.undone()

    def _tokens_known(self) -> str:
        """SHA-256 of the tokens whose rows the table in place has; empty for the whole one."""
        if self.reduced is None or self.reduced.table.weight is self.reduced.whole:
            return ""
        return hashlib.sha256(self.reduced.used.tobytes()).hexdigest()

    def _content(self) -> dict[str, object]:
        return {
            "format": FORMAT,
            "prefix": self._weights(),
            "line": self._place(),
            "pooling": self.network.pooling if self.pooled else "",
            "spec": spec_words(self.spec),
            "mode": asdict(self.mode),
            "chunk": [self._tokens, IMAGES, STEP],
            "machine": [*machine_words(self.mode.device), torch.get_num_threads()],
            "network": code_words(self.network.trunk),
        }

    def pass_through(
        self, rows: Encoded, chunk: Chunk, *, below: tuple[int, Tensor] | None = None
    ) -> list[Array]:
        """Returns what the prefix makes of a chunk's rows: B arrays at their true lengths.

        Args:
            rows: N rows.
            chunk: Some of them.
            below: A lower position and what the network made of the whole chunk there, its
                filling included; None = the pass starts at the input.
        """
        return self.made(rows, chunk, below=below).arrays

    def made(self, rows: Encoded, chunk: Chunk, *, below: tuple[int, Tensor] | None = None) -> Made:
        """Returns what the prefix makes of a chunk's rows, and how; see `pass_through`."""
        found, whole = self._pass(rows, chunk, below)
        return Made(_rows_of(found, rows, chunk), whole)

    @torch.no_grad()  # not `inference_mode`: a network may keep for training what it makes
    def _pass(
        self, rows: Encoded, chunk: Chunk, below: tuple[int, Tensor] | None
    ) -> tuple[Tensor, bool]:
        """Returns what the prefix makes of a chunk, its filling included; whether at once."""
        start, beside = (0, {}) if below is None else (below[0], {ACTIVATION: below[1]})
        training, attention = self.network.training, attention_of(self.network.trunk)
        self.network.eval()
        set_attention(self.network.trunk, self.mode.attention)
        try:
            with self.mode.running():
                batch = to_device({**chunk_batch(rows, chunk), **beside}, self.mode.device)
                return self._fitting(batch, start)
        finally:
            self.network.train(training)
            set_attention(self.network.trunk, attention)

    def by_rows(self, rows: Encoded) -> bool:
        """Says whether what the prefix makes lies row by row, texts token by token in each.

        Some networks have tokens first and rows second. Two sizes tell: what lies otherwise
        has no extent that goes with both.

        Args:
            rows: Of which the first is passed.
        """
        first = next(self.chunks(rows))
        for size in (2, 3):
            chunk = Chunk(first.indices[:1], size, first.extent)
            shape = self._pass(rows, chunk, None)[0].shape
            if shape[0] != size or (chunk.extent and shape[1] != chunk.extent):
                return False
        return True

    def chunks(self, rows: Encoded) -> Iterator[Chunk]:
        """Yields all rows in chunks that this network can take."""
        limit = getattr(self.spec, "length_limit", None)
        return chunks(rows, limit=limit, tokens=self._tokens)

    @property
    def _tokens(self) -> int:
        return TOKENS if torch.device(self.mode.device).type == "cpu" else TOKENS_BESIDE

    def _fitting(self, batch: Batch, start: int) -> tuple[Tensor, bool]:
        """Computes a batch at once, or in halves where the device's memory is too small.

        Says whether it was at once: halves may be rounded otherwise.
        """
        size = len(next(iter(batch.values())))
        if size == 1:
            return self._compute(batch, start), True
        found = if_it_fits(lambda: self._compute(batch, start))
        if found is not None:
            return found, True
        halves = (slice(0, size // 2), slice(size // 2, size))
        parts = [{name: tensor[half] for name, tensor in batch.items()} for half in halves]
        return torch.cat([self._fitting(part, start)[0] for part in parts]), False

    def _compute(self, batch: Batch, start: int) -> Tensor:
        own, activation = entering(batch)
        if self.chain is None or activation is None:
            if self.chain is None or self.pooled:
                return self.network.features(own).unsqueeze(1)
            return self.chain.prefix(self.line, own)
        if not self.pooled:
            return self.chain.advance(activation, own, start=start, stop=self.line)
        output = self.chain.suffix(start, activation, batch=own)
        return pool(output, own, pooling=self.network.pooling).unsqueeze(1)

    def _place(self) -> str:
        if self.chain is None or self.pooled:
            return "whole"
        return f"{self.line} {self.chain.positions[self.line].name}"

    def _weights(self) -> str:
        named = tensors_of(self.network.trunk)
        if self.chain is None or self.pooled:
            return digest_of(named, set(named))
        blocks = self.chain.blocks[: self.line]
        names = {name for block in blocks for name in (*block.parameters, *block.buffers)}
        return digest_of(named, names | set(self.chain.positions[self.line].borrowed))


def entering(batch: Batch) -> tuple[Batch, Tensor | None]:
    """Returns a batch's own tensors, and the activation with which it enters, if it has one."""
    own = {name: tensor for name, tensor in batch.items() if name != ACTIVATION}
    activation = batch.get(ACTIVATION)
    if activation is not None and activation.dim() == 4:
        activation = activation.contiguous(memory_format=torch.channels_last)
    return own, activation


def _rows_of(made: Tensor, rows: Encoded, chunk: Chunk) -> list[Array]:
    arrays = numbers_of(made[: len(chunk.indices)])
    if not chunk.extent or made.shape[1] != chunk.extent:
        return list(arrays)
    assert isinstance(rows, TokenRows), "only texts have extents"
    lengths = rows.lengths_of(chunk.indices).tolist()
    return [array[:length] for array, length in zip(arrays, lengths, strict=True)]
