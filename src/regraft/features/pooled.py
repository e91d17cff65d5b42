"""Makes pooled features or logits of many rows from one pass without gradients."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regraft.backbones.attention import set_attention
from regraft.backbones.backbone import Batch
from regraft.backbones.graft import Grafted, Head
from regraft.backbones.modes import Mode
from regraft.data.encode import Batches
from regraft.data.mapped.room import room_for
from regraft.machine import if_it_fits

TOKENS = 4096
"""Padded tokens of a text batch: fills both cores, stays in the cache."""
IMAGES = 32
"""Images of a batch."""
ROWS = 256
"""Rows of pooled features that go through a head together."""


def chunks(rows: Batches) -> Iterator[npt.NDArray[np.int64]]:
    """Yields the rows' indices in batches of like length, longest first.

    Longest first, so that too little memory shows at once and not at the end.
    """
    lengths = rows.lengths
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = int(lengths[order[start]])
        size = max(1, TOKENS // longest) if _is_text(rows) else IMAGES
        yield order[start : start + size]
        start += size


def pooled_features(network: Grafted, rows: Batches, *, mode: Mode) -> npt.NDArray[np.float32]:
    """Returns (N, D) features at the trunk's end, pooled, in fp32.

    Args:
        network: Put into evaluation mode for the pass and back afterwards.
        rows: N rows.
        mode: Precision, attention and device of the pass.
    """
    return _pass(network, rows, mode, compute=network.features)


def logits(network: Grafted, rows: Batches, *, mode: Mode) -> npt.NDArray[np.float32]:
    """Returns (N, K) logits, the head's products in fp32 too; arguments as `pooled_features`."""

    def compute(batch: Batch) -> Tensor:
        features = network.features(batch)
        # As in `head_logits`: how many rows there are says nothing about a row's answer.
        with torch.autocast(features.device.type, enabled=False):
            answer: Tensor = network.head(features)
        return answer

    return _pass(network, rows, mode, compute=compute)


def head_logits(
    head: Head, features: npt.NDArray[np.float32], *, device: str
) -> npt.NDArray[np.float32]:
    """Returns (N, K) logits of (N, D) pooled features, a row's whatever stands beside it.

    Args:
        head: Put into evaluation mode for the pass and back afterwards.
        features: Filled up to whole blocks, so that each product has the same shape.
        device: Where the head is.
    """
    training = head.training
    head.eval()
    found = room_for((len(features), head.classes))
    block = np.zeros((ROWS, features.shape[1]), np.float32)
    with torch.inference_mode():
        for start in range(0, len(features), ROWS):
            some = features[start : start + ROWS]
            block[: len(some)] = some
            answer = head(torch.from_numpy(block).to(device)).float().cpu().numpy()
            found[start : start + len(some)] = answer[: len(some)]
    head.train(training)
    return found


def _pass(
    network: Grafted,
    rows: Batches,
    mode: Mode,
    *,
    compute: Callable[[Batch], Tensor],
) -> npt.NDArray[np.float32]:
    training = network.training
    network.eval()
    set_attention(network.trunk, mode.attention)
    outputs: list[npt.NDArray[np.float32]] = []
    order: list[npt.NDArray[np.int64]] = []
    with torch.no_grad(), mode.running():  # see `Level`
        for indices in chunks(rows):
            for some, output in _fitting(rows, indices, mode.device, compute):
                outputs.append(output)
                order.append(some)
    network.train(training)
    return _unsorted(outputs, order)


def _fitting(
    rows: Batches,
    indices: npt.NDArray[np.int64],
    device: str,
    compute: Callable[[Batch], Tensor],
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]:
    """Yields rows with what is computed of them: at once, or in halves where memory is short."""

    def work() -> npt.NDArray[np.float32]:
        return compute(to_device(rows.batch(indices), device)).float().cpu().numpy()

    output = work() if len(indices) == 1 else if_it_fits(work)
    if output is not None:
        yield indices, output
        return
    for half in np.array_split(indices, 2):
        yield from _fitting(rows, half, device, compute)


def to_device(batch: Batch, device: str) -> Batch:
    """Returns the batch on a device, images channels-last in memory."""
    moved = {name: _moved(tensor, device) for name, tensor in batch.items()}
    if "pixels" in moved:
        moved["pixels"] = moved["pixels"].contiguous(memory_format=torch.channels_last)
    return moved


def _moved(tensor: Tensor, device: str) -> Tensor:
    if torch.device(device).type != "cuda" or tensor.is_cuda:
        return tensor.to(device)
    # From pinned memory the copy goes on while the processor does.
    return tensor.pin_memory().to(device, non_blocking=True)


def _unsorted(
    outputs: list[npt.NDArray[np.float32]], order: list[npt.NDArray[np.int64]]
) -> npt.NDArray[np.float32]:
    if not outputs:
        return np.zeros((0, 0), np.float32)
    stacked = np.concatenate(outputs)
    result = np.empty_like(stacked)
    result[np.concatenate(order)] = stacked
    return result


def _is_text(rows: Batches) -> bool:
    return hasattr(rows, "tokens")
