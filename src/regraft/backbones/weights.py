"""Makes checked tensors from weight files, the one place that reads such files."""

import json
import pickle
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from regraft.errors import BackboneError, DamagedFileError, StorageError

Weights = dict[str, Tensor]
HEADER_LIMIT = 8 * 1024 * 1024
"""Most bytes of a safetensors header."""
TENSOR_LIMIT = 20_000
"""Most tensors in a file."""
_INDEX = "model.safetensors.index.json"
_PICKLED = (".pth", ".pt", ".bin")
_REFUSED = {
    ".pkl": "a pickle can run any code",
    ".pickle": "a pickle can run any code",
    ".joblib": "joblib files are pickles, which can run any code",
    ".h5": "Keras files can hold code",
    ".keras": "Keras files can hold code",
    ".pt2": "exported programs can hold code",
    ".ckpt": "training checkpoints are pickles of whole programs",
}
_NESTS = ("state_dict", "model", "model_state_dict", "state_dict_ema", "model_ema")
"""Names under which training scripts put the weights."""


def read_weights(path: Path, *, own: bool = False) -> Weights:
    """Returns the tensors of a weight file by name, without NaN and detached from the file.

    Args:
        path: A `.safetensors` file, or `.pth`, `.pt`, `.bin` with nothing but tensors.
        own: Whether a run of ours wrote it, after its weights were seen to be finite: buffers may
            hold infinities by design, as masks do.

    Raises:
        BackboneError: If the kind of file is refused, or holds more than tensors.
        DamagedFileError: If the file is truncated, too large in its header, or not finite.
        StorageError: If the file cannot be opened.
    """
    suffix = path.suffix.lower()
    if suffix in _REFUSED:
        raise BackboneError(
            f"{path} is not read: {_REFUSED[suffix]}",
            expected="a .safetensors file, or a .pth with nothing but tensors",
        )
    try:
        weights = _read_pickled(path) if suffix in _PICKLED else _read_safetensors(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror or error})") from error
    _refuse_not_finite(weights, path, infinite=own)
    return weights


def read_folder(folder: Path) -> Weights:
    """Returns the tensors of a saved model: one file, several with an index, or a `.bin`.

    Raises:
        BackboneError: If the folder has no weights.
        DamagedFileError: If a file or the index is damaged.
    """
    for name in ("model.safetensors", _INDEX, "pytorch_model.bin"):
        if (folder / name).is_file():
            return _read_shards(folder) if name == _INDEX else read_weights(folder / name)
    raise BackboneError(f"{folder} has no weights", expected="model.safetensors in it")


def has_weights(folder: Path) -> bool:
    """Says whether a folder has the weights of a model, all shards of them."""
    if (folder / _INDEX).is_file() and not (folder / "model.safetensors").is_file():
        return all((folder / name).is_file() for name in _shards(folder))
    return any((folder / name).is_file() for name in ("model.safetensors", "pytorch_model.bin"))


def _read_shards(folder: Path) -> Weights:
    """Returns the tensors of all shards that an index names."""
    weights: Weights = {}
    for name in _shards(folder):
        weights |= read_weights(folder / name)
    return weights


def _shards(folder: Path) -> list[str]:
    """Returns the file names in an index, which must lie beside it."""
    path = folder / _INDEX
    try:
        names = sorted(set(json.loads(path.read_bytes())["weight_map"].values()))
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise DamagedFileError(f"{path} is not an index of weights") from error
    if any(Path(name).name != name or not name.endswith(".safetensors") for name in names):
        raise DamagedFileError(f"{path} names files outside its folder", expected="file names")
    return names


def _read_safetensors(path: Path) -> Weights:
    """Returns the tensors of a safetensors file whose header is small enough."""
    _check_header(path)
    try:
        # A copy: the library maps the file, and a file cut later would end the process.
        return {name: tensor.clone() for name, tensor in load_file(path).items()}
    except (SafetensorError, ValueError, RuntimeError) as error:
        raise DamagedFileError(f"{path} is no whole safetensors file ({error})") from error


def _check_header(path: Path) -> None:
    """Raises where the header of a safetensors file is too long, broken, or too full."""
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > HEADER_LIMIT:
            raise DamagedFileError(
                f"{path} announces a header of {length:,} bytes", expected=f"<= {HEADER_LIMIT:,}"
            )
        header = stream.read(length)
    try:
        names = json.loads(header)
    except ValueError as error:
        raise DamagedFileError(f"{path} is no safetensors file") from error
    _refuse_crowd(len(names), path)


def _read_pickled(path: Path) -> Weights:
    """Returns the tensors of a file of torch, read without running any code in it."""
    try:
        with warnings.catch_warnings():  # of old pickle protocols: read well or refused below
            warnings.simplefilter("ignore", UserWarning)
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise BackboneError(
            f"{path} holds more than tensors and is not read",
            expected="a state dict, as saved by torch.save(network.state_dict(), ...)",
        ) from error
    except (RuntimeError, EOFError, zipfile.BadZipFile, ValueError) as error:
        raise DamagedFileError(f"{path} is no whole file of torch ({error})") from error
    return _tensors_only(content, path)


def _tensors_only(content: Any, path: Path) -> Weights:
    """Returns the state dict, also where a training script put it one level down."""
    for name in _NESTS:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    tensors = content if isinstance(content, Mapping) else {}
    if not tensors or not all(isinstance(value, Tensor) for value in tensors.values()):
        raise BackboneError(f"{path} holds no plain state dict", expected="names with tensors")
    _refuse_crowd(len(tensors), path)
    return {str(name): tensor.detach() for name, tensor in tensors.items()}


def _refuse_crowd(count: int, path: Path) -> None:
    """Raises where a file has more tensors than any network needs."""
    if count > TENSOR_LIMIT:
        raise DamagedFileError(f"{path} has {count:,} tensors", expected=f"<= {TENSOR_LIMIT:,}")


def _refuse_not_finite(weights: Weights, path: Path, *, infinite: bool) -> None:
    """Raises where a value is NaN, or infinite unless that is allowed."""
    for name, tensor in weights.items():
        if not tensor.is_floating_point():
            continue
        good = ~tensor.isnan() if infinite else tensor.isfinite()
        if not bool(good.all()):
            raise DamagedFileError(f"{path} has values in {name} that are not finite")


def load_into_network(network: nn.Module, weights: Weights, *, source: str) -> None:
    """Copies weights into a network that has exactly these names, shapes and number formats.

    Args:
        network: Changed in place.
        weights: All of the network's parameters and saved buffers.
        source: Where the weights came from, for messages.

    Raises:
        BackboneError: If a name, shape or number format differs.
    """
    expected = network.state_dict()
    for names, word in (
        (expected.keys() - weights.keys(), "lacks"),
        (weights.keys() - expected.keys(), "has, without a place for it,"),
    ):
        if names:
            raise BackboneError(f"{source} {word} {_some(names)}", expected="the network's tensors")
    for name, tensor in weights.items():
        _refuse_mismatch(tensor, expected[name], name=f"{name} of {source}")
    put_weights(network, weights)


def state_of(network: nn.Module) -> dict[str, Tensor]:
    """Returns a copy of all weights and buffers, by name, for `put_weights`."""
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def put_weights(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copies weights into a network by its own `load_state_dict`, strictly.

    Args:
        network: Changed in place.
        weights: All of its state dict, in any mapping.
    """
    state = OrderedDict(weights)
    # Versions of modules: some of torchvision refuse a state that does not say them.
    state._metadata = getattr(network.state_dict(), "_metadata", {})  # type: ignore[attr-defined]
    network.load_state_dict(state, strict=True)
    forget_derived(network)


def refuse_integers(weights: Weights, network: nn.Module, *, source: str) -> None:
    """Refuses whole numbers where a network has others: quantised weights without their scale.

    Args:
        weights: As they were read; their names may begin with those of a whole model.
        network: That got them.
        source: Where they came from, for messages.

    Raises:
        BackboneError: If a tensor is of whole numbers and its place is not.
    """
    floating = {name for name, value in network.named_parameters() if value.is_floating_point()}
    for name, tensor in weights.items():
        parts = name.split(".")
        ends = {".".join(parts[start:]) for start in range(len(parts))}
        if not tensor.is_floating_point() and not tensor.is_complex() and ends & floating:
            raise BackboneError(
                f"{name} of {source} is {tensor.dtype}", expected="weights that are not quantised"
            )


def refuse_infinite(network: nn.Module, source: str) -> None:
    """Refuses parameters that are not finite; buffers may be infinite by design.

    Args:
        network: As loaded.
        source: Where its weights came from, for messages.

    Raises:
        DamagedFileError: If a parameter is not.
    """
    for name, parameter in network.named_parameters():
        if not bool(parameter.isfinite().all()):
            raise DamagedFileError(f"{source} has values in {name} that are not finite")


def forget_derived(network: nn.Module) -> None:
    """Lets a network forget what it has made of its weights and kept, such as tables of biases.

    LeViT, TinyViT and others of timm keep these in evaluation until they are moved or trained.

    Args:
        network: Asked to move to where it is.
    """
    network._apply(lambda tensor: tensor)


def separate(tensors: Mapping[str, Tensor]) -> Weights:
    """Returns contiguous tensors of which no two share memory, as safetensors wants them.

    Weights that are tied, and those of a module that is registered twice, stay under each
    of their names.
    """
    found: Weights = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        whole = tensor.detach().contiguous()
        place = whole.untyped_storage().data_ptr()
        found[name] = whole.clone() if place in seen else whole
        seen.add(place)
    return found


def _refuse_mismatch(found: Tensor, wanted: Tensor, *, name: str) -> None:
    """Raises where one tensor does not fit into its place."""
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        raise BackboneError(
            f"{name} is {tuple(found.shape)} {found.dtype}",
            expected=f"{tuple(wanted.shape)} {wanted.dtype}",
        )


def _some(names: set[str]) -> str:
    """Returns the first names of many."""
    listed = sorted(names)
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return ", ".join(listed[:3]) + more
