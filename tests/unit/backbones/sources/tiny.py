"""Makes tiny networks of transformers, and folders as the libraries save them."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

from regraft.backbones.backbone import Architecture
from regraft.backbones.sources.transformers import build_transformers

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "film", "a")
BERT: dict[str, Any] = {
    "model_type": "bert",
    "vocab_size": len(WORDS),
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 20,
}


def tiny_bert() -> Any:
    """Returns a BERT of two layers, 8 wide, with random weights and no pooler."""
    torch.manual_seed(0)
    return build_transformers(Architecture("transformers", "BertModel", BERT, "mean"))


def save_tokenizer(folder: Path) -> None:
    """Writes a tokenizer of eight words."""
    model = models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]")
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))


def save_text_folder(folder: Path) -> Any:
    """Saves a whole BERT classifier as its library does and returns it."""
    torch.manual_seed(1)
    whole = transformers.BertForSequenceClassification(transformers.BertConfig(**BERT))
    whole.eval().save_pretrained(folder)
    save_tokenizer(folder)
    return whole


def save_image_folder(folder: Path, whole: Any, **preprocessing: object) -> Any:
    """Saves an image network of transformers with its preprocessing and returns it."""
    whole.eval().save_pretrained(folder)
    text = json.dumps(preprocessing)
    (folder / "preprocessor_config.json").write_text(text, encoding="utf-8")
    return whole


def into_hub_cache(folder: Path, cache: Path, repository: str, *, revision: str = "abc123") -> None:
    """Copies a folder into a cache laid out as the hub's own library does."""
    place = cache / f"models--{repository.replace('/', '--')}"
    shutil.copytree(folder, place / "snapshots" / revision)
    (place / "refs").mkdir(exist_ok=True)
    (place / "refs" / "main").write_text(revision, encoding="utf-8")
