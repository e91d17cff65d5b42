"""Makes sessions on tiny random networks with easy rows, for tests of training."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from regraft.backbones.chain import Chain
from regraft.backbones.graft import Grafted, make_head
from regraft.backbones.modes import Mode
from regraft.backbones.splice import splice
from regraft.data.images import PixelRows
from regraft.data.spec import ImageSpec
from regraft.data.texts import TokenRows
from regraft.scoring import metrics
from regraft.training.options import Options
from regraft.training.phase import Facts
from regraft.training.precision import Verdict
from regraft.training.progress import Silent
from regraft.training.session import Examples, Session

VOCABULARY = 50
SIDE = 16
KINDS = ("text", "image")


class ConvNet(nn.Module):
    """Three convolutions, each with a norm that keeps statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _stage(3, 8)
        self.middle = _stage(8, 8)
        self.top = _stage(8, 16)

    def forward(self, pixels: Tensor) -> Tensor:
        """Returns (B, 16, H, W)."""
        mapped: Tensor = self.top(self.middle(self.stem(pixels)))
        return mapped


class DeepConvNet(ConvNet):
    """The same with two more in the middle."""

    def __init__(self) -> None:
        super().__init__()
        self.third = _stage(8, 8)
        self.fourth = _stage(8, 8)

    def forward(self, pixels: Tensor) -> Tensor:
        """Returns (B, 16, H, W)."""
        middle = self.middle(self.stem(pixels))
        mapped: Tensor = self.top(self.fourth(self.third(middle)))
        return mapped


def _stage(narrow: int, wide: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(narrow, wide, 3, padding=1), nn.BatchNorm2d(wide), nn.ReLU())


@cache
def _warmed(*, deep: bool) -> ConvNet:
    """Returns a network that saw images: its statistics are those of the rows, as if pretrained."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        network = DeepConvNet() if deep else ConvNet()
    pixels = image_examples(16).rows.batch(np.arange(16))["pixels"]
    with torch.no_grad():
        for _ in range(40):
            network(pixels)
    return network


def tiny_bert(dropout: float = 0.0, *, layers: int = 2) -> nn.Module:
    """Returns a random BERT, 16 wide."""
    import transformers

    config = transformers.BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    network: nn.Module = transformers.BertModel(config, add_pooling_layer=False)
    return network


def example(kind: str) -> dict[str, Tensor]:
    """Returns a batch of two rows."""
    if kind == "image":
        return {"pixels": torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))}
    mask = torch.ones(2, 8, dtype=torch.long)
    mask[1, 5:] = 0
    return {"input_ids": (torch.arange(16).reshape(2, 8) + 5) * mask, "attention_mask": mask}


def grafted(
    kind: str,
    *,
    head: str = "linear",
    classes: int = 2,
    dropout: float = 0.0,
    deep: bool = False,
) -> Grafted:
    """Returns a tiny network with a head, its weights always the same: of 3 blocks, deep of 5."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        if kind == "text":
            trunk = tiny_bert(dropout, layers=4 if deep else 2)
        else:
            trunk = copy.deepcopy(_warmed(deep=deep))
    generator = torch.Generator().manual_seed(12)
    new = make_head(head, 16, classes=classes, generator=generator, dropout=dropout)
    return Grafted(trunk, new, pooling="mean" if kind == "text" else "map")


def spliced(network: Grafted) -> Chain:
    """Returns the chain of a tiny network's trunk."""
    return splice(network.trunk, example("image" if network.pooling == "map" else "text"))


@cache
def _cut(kind: str, classes: int) -> tuple[Grafted, Chain]:
    """Returns a tiny network and its chain, to be copied: each splicing takes a while."""
    network = grafted(kind, classes=classes)
    return network, spliced(network)


def token_rows(texts: list[list[int]]) -> TokenRows:
    """Returns texts given as token numbers."""
    starts = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    return TokenRows(np.concatenate([*texts, []]).astype(np.int32), starts, 0)


def text_examples(rows: int, *, seed: int = 0, classes: int = 2) -> Examples:
    """Returns texts of 3 to 12 tokens; each class has words of its own."""
    generator = np.random.default_rng(seed)
    labels = np.arange(rows) % classes
    span = (VOCABULARY - 5) // classes
    texts = [
        (5 + label * span + generator.integers(0, span, generator.integers(3, 13))).tolist()
        for label in labels.tolist()
    ]
    return Examples(token_rows(texts), labels.astype(np.int64))


def image_examples(rows: int, *, seed: int = 0, classes: int = 2) -> Examples:
    """Returns noisy images; each class has a brightness of its own."""
    generator = np.random.default_rng(seed)
    labels = np.arange(rows) % classes
    pixels = (
        generator.integers(0, 120, (rows, SIDE, SIDE, 3))
        + (labels * 130 // classes)[:, None, None, None]
    )
    spec = ImageSpec(SIDE, (0.5,) * 3, (0.25,) * 3)
    return Examples(PixelRows(pixels.astype(np.uint8), spec), labels.astype(np.int64))


EXAMPLES: dict[str, Callable[..., Examples]] = {"text": text_examples, "image": image_examples}


@dataclass(frozen=True)
class Size:
    """How many rows a session has, and of how many classes."""

    train: int = 32
    val: int = 16
    classes: int = 2


USUAL = Size()


def options(**changed: Any) -> Options:
    """Returns options for a batch size of 8, with whatever is named changed."""
    values: dict[str, Any] = {
        "seed": 3,
        "batch_size": 8,
        "optimizer": "adamw",
        "augment": "none",
        "class_weights": None,
        "patience": None,
        "select": metrics.accuracy,
    }
    return Options(**{**values, **changed})


def session(
    kind: str, chosen: Options | None = None, *, size: Size = USUAL, network: Grafted | None = None
) -> Session:
    """Returns a session that has done nothing yet."""
    if network is None:
        network, chain = copy.deepcopy(_cut(kind, size.classes))
    else:
        chain = spliced(network)
    make = EXAMPLES[kind]
    return Session(
        network,
        chain,
        make(size.train, seed=1, classes=size.classes),
        make(size.val, seed=2, classes=size.classes),
        Verdict(Mode(), Mode(), {}, "none"),
        chosen or options(),
        Silent(),
    )


def facts(kind: str, **changed: Any) -> Facts:
    """Returns facts of 32 rows, for two epochs at a rate that moves a tiny network."""
    values: dict[str, Any] = {
        "modality": kind,
        "rows": 32,
        "classes": 2,
        "epochs": 2,
        "rate": 5e-3,
        "layer_decay": 0.8,
        "head_epochs": 3,
    }
    return Facts(**{**values, **changed})


def state(module: nn.Module) -> dict[str, Tensor]:
    """Returns copies of all parameters and buffers, saved or not."""
    named = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {name: tensor.detach().clone() for name, tensor in named.items()}


def changed(before: dict[str, Tensor], module: nn.Module) -> set[str]:
    """Returns the names of parameters and buffers that differ by at least one bit."""
    after = state(module)
    return {name for name, tensor in before.items() if not torch.equal(tensor, after[name])}


def below(chain: Chain, line: int) -> set[str]:
    """Returns the names of the parameters and buffers of the blocks below a line."""
    return {name for block in chain.blocks[:line] for name in (*block.parameters, *block.buffers)}


def elsewhere_examples(kind: str, rows: int, *, seed: int = 8) -> Examples:
    """Returns rows of another place with their labels: darker images, texts with strange words."""
    made = EXAMPLES[kind](rows, seed=seed)
    if isinstance(made.rows, PixelRows):
        pixels = (made.rows.pixels // 2 + 40).astype(np.uint8)
        return Examples(PixelRows(pixels, made.rows.spec), made.labels)
    starts = made.rows.starts.tolist()
    texts = [made.rows.tokens[a:b].tolist() for a, b in pairwise(starts)]
    return Examples(token_rows([[3, 4, *text, 3] for text in texts]), made.labels)


def without_labels(examples: Examples) -> Examples:
    """Returns the rows with -1 in place of each label."""
    return Examples(examples.rows, np.full(len(examples), -1, np.int64))
