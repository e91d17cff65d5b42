"""Makes a file of inputs with their logits, and replays it on a loaded model."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image as Pil
from safetensors.torch import save_file
from torch import Tensor

from regraft.backbones.graft import Grafted
from regraft.backbones.modes import Mode
from regraft.backbones.weights import read_weights
from regraft.data.reading.pictures import open_picture
from regraft.data.rows import Input
from regraft.errors import DamagedFileError
from regraft.serving.model import Model

REPLAY = "replay.safetensors"
REPLAYED = 8
"""Inputs stored with their logits."""
TOLERANCE = 1e-4
"""Largest difference of replayed logits, by the largest of them where that is above 1: other
processors round otherwise, and the more the larger the numbers are."""
ROOM = 2
"""How many times its side at the network a stored image may be, on its shorter side."""
_LOGITS = "logits"


def save_replay(folder: Path, model: Model, *, examples: Sequence[Input]) -> None:
    """Writes the first eight inputs with the logits that the model gives them.

    Logits are those of the processor in fp32, wherever the model was trained, so that a
    replay there compares like with like. Large images are stored smaller.

    Args:
        folder: The model folder.
        model: Gives the logits.
        examples: Inputs of its modality.
    """
    chosen = enumerate(examples[:REPLAYED])
    packed = {f"input.{i}": _pack(example, model) for i, example in chosen}
    inputs = [_unpack(tensor, model) for tensor in packed.values()]
    logits = torch.from_numpy(_exact_logits(model, inputs))
    save_file({**packed, _LOGITS: logits}, folder / REPLAY)


def replay(folder: Path, model: Model) -> float:
    """Returns the largest difference between stored logits and those on the processor, fp32.

    It is a share of the largest logit where that is above 1.

    Args:
        folder: The model folder.
        model: As loaded from it.
    """
    stored = read_weights(folder / REPLAY)
    inputs = [_unpack(stored[f"input.{i}"], model) for i in range(len(stored) - 1)]
    if not inputs:
        return 0.0
    logits = stored[_LOGITS].numpy()
    difference = float(np.abs(_exact_logits(model, inputs) - logits).max())
    return difference / max(1.0, float(np.abs(logits).max()))


def check_replay(folder: Path, model: Model) -> None:
    """Does nothing where the model answers as it did when it was saved.

    Args:
        folder: The model folder.
        model: As loaded from it.

    Raises:
        DamagedFileError: If it answers otherwise, or the file does not say how it did.
    """
    try:
        difference = replay(folder, model)
    except (KeyError, ValueError) as error:
        raise DamagedFileError(f"{folder / REPLAY} holds no inputs with logits") from error
    if not difference <= TOLERANCE:
        raise DamagedFileError(
            f"{folder} answers its stored inputs differently by {difference:.2g}",
            expected=f"at most {TOLERANCE:g}",
        )


def _exact_logits(model: Model, inputs: Sequence[Input]) -> npt.NDArray[np.float32]:
    """Computes on the processor in fp32, whatever mode the model answers in."""
    exact = replace(model, mode=Mode())
    rows, _ = exact.encode(inputs)
    with _on_processor(model.network):
        return exact.logits_of(rows)


@contextmanager
def _on_processor(network: Grafted) -> Iterator[None]:
    """Opens a stretch in which the network is on the processor."""
    place = next(network.parameters()).device
    network.to("cpu")
    try:
        yield
    finally:
        network.to(place)


def _pack(example: Input, model: Model) -> Tensor:
    """Returns a text's UTF-8 bytes, or an image's pixels, as a tensor of bytes."""
    if model.modality == "text":
        content = str(example).encode("utf-8", "surrogatepass") or b" "
        return torch.frombuffer(bytearray(content), dtype=torch.uint8)
    picture = _shrunk(open_picture(example), ROOM * model.extent)
    return torch.from_numpy(np.array(picture.convert("RGB")))


def _shrunk(picture: Pil.Image, side: int) -> Pil.Image:
    """Returns a picture whose shorter side is at most so many pixels."""
    short = min(picture.size)
    if short <= side:
        return picture
    return picture.resize((picture.width * side // short, picture.height * side // short))


def _unpack(tensor: Tensor, model: Model) -> Input:
    if model.modality == "text":
        return tensor.numpy().tobytes().decode("utf-8", "surrogatepass")
    return np.asarray(tensor.numpy(), np.uint8)
