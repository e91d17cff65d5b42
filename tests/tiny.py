"""Makes tiny random backbones and easy data, for tests that need a whole run."""

import csv
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from regraft.backbones.graft import Grafted, make_head
from regraft.backbones.modes import Mode
from regraft.backbones.open import open_backbone
from regraft.data.spec import TextSpec
from regraft.reports import adaptation, comparison, curve, html, plots, timeline
from regraft.serving.model import Model
from regraft.training.heads import probe

GOOD = ("lovely", "great", "superb", "delightful")
BAD = ("awful", "dreadful", "boring", "terrible")
THINGS = ("film", "story", "play", "book", "song", "meal", "journey", "garden")
SIDE = 32
"""Side of the toy images in pixels."""


def toy_texts(rows: int) -> tuple[list[str], list[str]]:
    """Returns N different texts and their labels, which one word gives away."""
    texts, labels = [], []
    for row in range(rows):
        words = BAD if row % 2 else GOOD
        thing, other = THINGS[row % 8], THINGS[row // 8 % 8]
        texts.append(f"number {row} was a {words[row // 2 % 4]} {thing} about a {other}")
        labels.append("neg" if row % 2 else "pos")
    return texts, labels


def write_csv(path: Path, columns: Mapping[str, Sequence[str]]) -> Path:
    """Writes columns as CSV with a header."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps transformers from drawing bars."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.enable_progress_bar()


def _vocabulary() -> dict[str, int]:
    """Returns word pieces by hand: trained ones would differ from process to process."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.?,"
    words = sorted({word for text in toy_texts(64)[0] for word in text.split() if word.isalpha()})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words, *letters, *(f"##{x}" for x in letters)]
    return {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}


def text_backbone(folder: Path) -> Path:
    """Writes a random BERT, 32 wide and 2 layers deep, with a tokenizer of the toy texts."""
    import transformers
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = _vocabulary()
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    config = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = transformers.BertModel(config)
    with _quiet():
        network.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def image_backbone(folder: Path, *, mean: float | Sequence[float] = 0.5) -> Path:
    """Writes a random ResNet of two small stages, as transformers saves one."""
    import transformers

    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic"
    )
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = transformers.ResNetModel(config)
        _settle(network)
    with _quiet():
        network.save_pretrained(folder)
    means = [mean] * 3 if isinstance(mean, float) else list(mean)
    feeding = {
        "image_mean": means,
        "image_std": [0.25] * 3,
        "size": {"shortest_edge": SIDE},
        "resample": 2,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(feeding), "utf-8")
    return folder


def _settle(network: torch.nn.Module) -> None:
    """Lets the norms see some images: with the statistics of a new network none would do."""
    pixels, _ = toy_pixels(64)
    batch = torch.from_numpy(pixels).permute(0, 3, 1, 2).float()
    network.train()
    with torch.no_grad():
        for _ in range(20):
            network((batch / 255 - 0.5) / 0.25)
    network.eval()


def toy_pixels(rows: int, *, grey: bool = False) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Returns (N, 32, 32[, 3]) noisy images, bright at the top or at the bottom, and labels."""
    generator = np.random.default_rng(7)
    shape = (rows, SIDE, SIDE) if grey else (rows, SIDE, SIDE, 3)
    pixels = generator.integers(0, 90, size=shape, dtype=np.uint8)
    low = np.arange(rows) % 2 == 1
    pixels[~low, : SIDE // 2] += 150
    pixels[low, SIDE // 2 :] += 150
    return pixels, ["bottom" if each else "top" for each in low]


def image_folders(folder: Path, rows: int, *, grey: bool = False) -> Path:
    """Writes the toy images as PNG files in a folder a class."""
    pixels, labels = toy_pixels(rows, grey=grey)
    for number, (image, label) in enumerate(zip(pixels, labels, strict=True)):
        (folder / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / label / f"{number:03d}.png")
    return folder


def model(folder: Path, classes: Sequence[str] = ("neg", "pos")) -> Model:
    """Returns the network of a folder with a new linear head, as a model to predict with."""
    backbone = open_backbone(str(folder))
    generator = torch.Generator().manual_seed(3)
    head = make_head("linear", backbone.width, classes=len(classes), generator=generator)
    network = Grafted(backbone.network, head, pooling=backbone.architecture.pooling).eval()
    extent = 24 if isinstance(backbone.spec, TextSpec) else SIDE
    return Model(network, backbone, tuple(classes), extent, Mode())


def texts_elsewhere(rows: int) -> tuple[list[str], list[str]]:
    """Returns N texts of another kind than the toy texts, the same words giving them away."""
    texts, labels = [], []
    for row in range(rows):
        words = BAD if row % 2 else GOOD
        thing = THINGS[row % 8]
        word = words[row // 2 % 4]
        texts.append(f"{word} {thing}, they say, and {row} others say so of the play")
        labels.append("neg" if row % 2 else "pos")
    return texts, labels


def kept_in(run: Path) -> dict[str, bool]:
    """Returns what the cache of a run decided."""
    found: dict[str, bool] = tomllib.loads((run / "run.toml").read_text("utf-8"))["kept"]
    return found


def numbered(texts: Sequence[str]) -> list[str]:
    """Returns texts that begin with a number each: cut short, they still differ."""
    return [f"{row} {text}" for row, text in enumerate(texts)]


def dim_folders(folder: Path, rows: int) -> Path:
    """Writes the toy images at half their brightness, in a folder a class."""
    pixels, labels = toy_pixels(rows)
    for number, (image, label) in enumerate(zip(pixels // 2 + 20, labels, strict=True)):
        (folder / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / label / f"{number:03d}.png")
    return folder


def heads_of_one_penalty(patch: pytest.MonkeyPatch, strength: float = 0.1) -> None:
    """Lets heads be solved with one penalty, whatever the rows say of others.

    That takes a sixth of the time.

    Args:
        patch: Takes it back.
        strength: Inverse penalty C; after some, a toy leaves a strategy nothing to learn.
    """
    for name in ("STRENGTHS", "COARSE"):
        patch.setattr(probe, name, (strength,))


_ENVIRONMENT = cache(html.environment)


def quick_pages(patch: pytest.MonkeyPatch) -> None:
    """Leaves the pictures of pages undrawn and reads the templates once; all else is made.

    Else a page takes half a second.
    """
    for module in (adaptation, curve, plots, timeline):
        patch.setattr(module, "uri_of", lambda figure: "data:,")
    for module in (comparison, html):
        patch.setattr(module, "environment", _ENVIRONMENT)


@contextmanager
def spared() -> Iterator[pytest.MonkeyPatch]:
    """Spares what several tests share what each of them is spared by its conftest."""
    with pytest.MonkeyPatch.context() as patch:
        heads_of_one_penalty(patch)
        quick_pages(patch)
        yield patch
