"""Tests that rows become what the network's spec asks for."""

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers

from regraft.data.encode import encode
from regraft.data.images import PixelRows
from regraft.data.rows import Input, Modality, Origin, Rows
from regraft.data.spec import ImageSpec, TextSpec
from regraft.data.texts import TokenRows


def rows_of(modality: Modality, inputs: list[Input]) -> Rows:
    labels = np.zeros(len(inputs), np.int64)
    return Rows(modality, inputs, ("a",), labels, [Origin("here")] * len(inputs))


def test_texts_become_tokens_no_longer_than_the_extent(tmp_path: Path) -> None:
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    found = encode(rows_of("text", ["a", "a " * 20]), TextSpec(tmp_path, 100), extent=10)
    assert isinstance(found, TokenRows)
    assert found.lengths.tolist() == [1, 10]


def test_images_become_pixels_of_the_extent() -> None:
    spec = ImageSpec(8, (0.5,) * 3, (0.5,) * 3)
    found = encode(rows_of("image", [np.zeros((9, 9, 3), np.uint8)]), spec, extent=12)
    assert isinstance(found, PixelRows)
    assert found.pixels.shape == (1, 12, 12, 3)
