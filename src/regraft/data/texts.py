"""Makes token numbers, ragged and ready for batches, from texts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from regraft.data.mapped.room import Growing, blocks, room_for, room_made, room_of
from regraft.data.spec import TextSpec
from regraft.draws import draws
from regraft.errors import DamagedFileError

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

DROPPED_SHARE = 0.15
"""Share of the tokens that an epoch leaves out."""
CHUNK = 4096
"""Texts handed to the tokenizer at once: enough for both cores, little memory."""


@dataclass(frozen=True)
class TokenRows:
    """N texts as token numbers at their true lengths.

    Args:
        tokens: (S,) all token numbers, one row after the other.
        starts: (N + 1,) where each row starts in `tokens`.
        pad_id: Token number that fills short rows up in a batch.
        originals: (M,) what the numbers 0 to M − 1 are in the tokenizer's own, where the
            network's table was made smaller; None = they are the tokenizer's own.
    """

    tokens: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    pad_id: int
    originals: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(N,) tokens of each row."""
        return np.diff(self.starts)

    def lengths_of(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Returns (M,) tokens of the rows at `indices`, the others not looked at."""
        lengths: npt.NDArray[np.int64] = self.starts[indices + 1] - self.starts[indices]
        return lengths

    def take(self, indices: npt.NDArray[np.int64]) -> "TokenRows":
        """Returns new rows in the order of `indices`, (M,)."""
        starts = _starts(self.lengths_of(indices))
        tokens = room_for((int(starts[-1]),), np.int32)
        for block in blocks(len(indices)):
            lengths = np.diff(starts[block.start : block.stop + 1])
            first, last = starts[block.start], starts[block.stop]
            # Counted from where the row starts here to where it starts there.
            moved = self.starts[indices[block]] - starts[block]
            tokens[first:last] = self.tokens[np.arange(first, last) + np.repeat(moved, lengths)]
        return replace(self, tokens=tokens, starts=starts)

    def joined(self, others: "TokenRows") -> "TokenRows":
        """Returns these rows with others of the same tokenizer behind them."""
        tokens = np.concatenate([self.tokens, others.tokens])
        starts = np.concatenate([self.starts, self.starts[-1] + others.starts[1:]])
        return replace(self, tokens=tokens, starts=starts)

    def batch(self, indices: npt.NDArray[np.int64]) -> "dict[str, Tensor]":
        """Returns `input_ids` and `attention_mask`, both (B, T), T the longest row's length."""
        import torch

        lengths = self.lengths_of(indices)
        mask = np.arange(lengths.max()) < lengths[:, None]
        ids = np.full(mask.shape, self.pad_id, dtype=np.int64)
        picked = self.take(indices)
        ids[mask] = picked.tokens
        return {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(mask.astype(np.int64)),
        }

    def augmented(self, kind: str, seed: int, *, epoch: int) -> "TokenRows":
        """Returns the same texts without some tokens, by a pure function of (seed, epoch).

        A row's first and last token stay: no row is empty, and most networks want both.

        Source: Iyyer, Manjunatha, Boyd-Graber and Daumé 2015, "Deep Unordered Composition
        Rivals Syntactic Methods for Text Classification", section 2.2 (word dropout).

        Args:
            kind: `drop-tokens` or `none`.
            seed: Of the run.
            epoch: Counted over the whole run.
        """
        if kind != "drop-tokens":
            return self
        drawn = draws("tokens", seed, epoch=epoch)

        def stays(block: slice) -> npt.NDArray[np.bool_]:
            found: npt.NDArray[np.bool_] = drawn.random(block.stop - block.start) >= DROPPED_SHARE
            return found

        kept = room_made(self.tokens.shape, bool, make=stays)
        kept[self.starts[:-1]] = True
        kept[self.starts[1:] - 1] = True
        tokens = Growing(np.int32)
        for block in blocks(len(kept)):
            tokens.add(self.tokens[block][kept[block]])
        lengths = np.add.reduceat(kept, self.starts[:-1], dtype=np.int64)
        return replace(self, tokens=tokens.whole(), starts=_starts(lengths))


def encode_texts(
    texts: Sequence[str], spec: TextSpec, *, max_length: int | None = None
) -> TokenRows:
    """Returns the texts' token numbers, cut to `max_length` or the network's limit.

    A text that has no token at all becomes one padding token: no network takes nothing.

    Source: Sun, Qiu, Xu and Huang 2019, "How to Fine-Tune BERT for Text Classification?",
    section 5.3.1 (`head-only` and `head+tail`, here in equal parts).

    Args:
        texts: N texts.
        spec: Which tokenizer, prefix and limit the network wants, and where texts are cut.
        max_length: Most tokens of a row, special ones included; None = the network's limit.
    """
    limit = min(max_length or spec.length_limit, spec.length_limit)
    tokenizer = open_tokenizer(spec, limit if spec.cut == "end" else None)
    tokens, lengths = Growing(np.int32), Growing(np.int64)
    for encodings in _encodings(tokenizer, texts, spec.prefix):
        rows = [without_middle(encoding.ids, limit) or [spec.pad_id] for encoding in encodings]
        tokens.add(np.fromiter(chain.from_iterable(rows), np.int32))
        lengths.add(np.array([len(row) for row in rows]))
    return TokenRows(tokens.whole(), _starts(lengths.whole()), spec.pad_id)


def token_lengths(texts: Sequence[str], spec: TextSpec) -> npt.NDArray[np.int64]:
    """Returns (N,) tokens of each text, special ones included.

    Counted up to one above the network's limit, so that a text that it cuts can be told.
    """
    tokenizer = open_tokenizer(spec, spec.length_limit + 1)
    every = chain.from_iterable(_encodings(tokenizer, texts, spec.prefix))
    return room_of((len(each.ids) for each in every), len(texts), dtype=np.int64)


def without_middle(tokens: list[int], limit: int) -> list[int]:
    """Returns the first and the last of a row's tokens, as many of both, `limit` in all.

    >>> without_middle([1, 2, 3, 4, 5, 6, 7], 5)
    [1, 2, 3, 6, 7]
    """
    if len(tokens) <= limit:
        return tokens
    last = limit // 2
    return tokens[: limit - last] + tokens[len(tokens) - last :]


def open_tokenizer(spec: TextSpec, limit: int | None) -> "Tokenizer":
    """Returns the network's tokenizer, cutting at `limit` tokens and never padding.

    The file's own truncation and padding are switched off first: MiniLM's file pads
    every text to a fixed 128 tokens, a silent five-fold cost on short texts.

    Raises:
        DamagedFileError: If the file cannot be read.
    """
    from tokenizers import Tokenizer

    path = spec.tokenizer / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more special
        raise DamagedFileError(
            f"{path} is no tokenizer that can be read ({error})",
            hint="pip install --upgrade tokenizers",
        ) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if limit is not None:
        tokenizer.enable_truncation(max_length=limit)
    return tokenizer


def _encodings(tokenizer: "Tokenizer", texts: Sequence[str], prefix: str) -> Iterator[list[Any]]:
    for start in range(0, len(texts), CHUNK):
        chunk = [prefix + _whole(text) for text in texts[start : start + CHUNK]]
        yield tokenizer.encode_batch(chunk)


def _whole(text: str) -> str:
    """Returns the text with `?` for halves of characters, which the tokenizer refuses."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _starts(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    starts = room_for((len(lengths) + 1,), np.int64)
    starts[0] = 0
    np.cumsum(lengths, out=starts[1:])
    return starts
