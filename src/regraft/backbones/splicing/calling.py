"""Makes the library's own output from a network and a batch."""

import inspect
from typing import Any

from torch import Tensor, nn

from regraft.backbones.backbone import Batch
from regraft.backbones.modes import plain_attention
from regraft.errors import BackboneError

PIXELS = "pixels"
TOKENS = "input_ids"
MORE_TOKENS = 5
"""Tokens that a larger batch has more."""


def call(network: nn.Module, batch: Batch) -> Any:
    """Returns what the network makes of a batch.

    Args:
        network: A module of transformers, timm, torchvision or the user's own.
        batch: `input_ids` and `attention_mask`, (B, T), given by keyword; or `pixels`,
            (B, C, H, W), given by position, or as `pixel_values` to a network that asks
            for that.
    """
    plain_attention()
    if PIXELS not in batch:
        return network(**batch)
    if "pixel_values" in inspect.signature(network.forward).parameters:
        return network(pixel_values=batch[PIXELS])
    return network(batch[PIXELS])


def as_batch(example: Batch | tuple[Tensor, ...]) -> Batch:
    """Returns a batch from a batch, `(pixels,)` or `(input_ids, attention_mask)`.

    Raises:
        BackboneError: When the example is empty or is neither kind of tuple.
    """
    if isinstance(example, dict) and example:
        return example
    if isinstance(example, tuple) and len(example) == 1 and example[0].is_floating_point():
        return {PIXELS: example[0]}
    if isinstance(example, tuple) and len(example) in (1, 2):
        return dict(zip((TOKENS, "attention_mask"), example, strict=False))
    raise BackboneError(
        f"an example of {len(example)} tensors was given to cut a network with",
        expected="a batch by name, (pixels,) or (input_ids, attention_mask)",
    )


def main_key(batch: Batch) -> str:
    """Returns the name of the tensor that enters at position 0."""
    return next((key for key in (PIXELS, TOKENS) if key in batch), next(iter(batch)))


def rows_and_tokens(batch: Batch) -> tuple[int, int]:
    """Returns B and T of a batch; T is 0 for images."""
    shape = batch[main_key(batch)].shape
    return int(shape[0]), int(shape[1]) if TOKENS in batch else 0


def frame(batch: Batch) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Returns every extent of a batch but B and T, by name of the tensor."""
    skipped = 2 if TOKENS in batch else 1
    return tuple((key, tuple(batch[key].shape[skipped:])) for key in sorted(batch))


def altered(batch: Batch) -> Batch:
    """Returns a batch of the same shapes and masks with another content."""
    key = main_key(batch)
    content = batch[key]
    if content.is_floating_point():
        other = content.flip(-1) * 0.5 + 0.25
    else:
        # Stays below the largest token number seen, so within the vocabulary.
        other = (content + 1) % max(int(content.max()) + 1, 2)
    return {**batch, key: other}


def enlarged(batch: Batch) -> Batch:
    """Returns a larger batch to learn from: for texts three rows and five tokens more.

    Rows and tokens grow differently, so that extents made from either tell themselves apart.
    Images, which cost more, get one row more.
    """
    rows, tokens = (3, MORE_TOKENS) if TOKENS in batch else (1, 0)
    return {key: _longer(value, rows, tokens=tokens) for key, value in batch.items()}


def _longer(value: Tensor, rows: int, *, tokens: int) -> Tensor:
    """Repeats the first row and the first column so many times, in front."""
    taller = value[[0] * rows + list(range(len(value)))]
    if not tokens or taller.dim() < 2:
        return taller
    return taller[:, [0] * tokens + list(range(taller.shape[1]))]
