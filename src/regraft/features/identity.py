"""Makes the words of a level's key that tell what does the arithmetic, and how."""

import re
from importlib.metadata import version
from typing import Any

import torch
from torch import nn

from regraft.data.spec import InputSpec
from regraft.machine import card_name, processor_name

LIBRARIES = ("timm", "torchvision", "transformers")
DROPPING = re.compile(r"(\w*(?:Dropout|DropPath|StochasticDepth)\w*)\([^()]*\)")
"""A layer that drops something, as torch writes it down."""


def machine_words(device: str) -> list[str]:
    """Returns what does the arithmetic, and by which libraries."""
    versions = [f"{each} {version(each)}" for each in LIBRARIES]
    switches = {
        "products": torch.get_float32_matmul_precision(),
        "tf32": torch.backends.cudnn.allow_tf32,
        "mkldnn": torch.backends.mkldnn.enabled,
    }
    return [processor_name(), card_name(device), torch.__version__, *versions, repr(switches)]


def code_words(trunk: nn.Module) -> str:
    """Returns what the network is built of, and how: all but its weights."""
    config: Any = getattr(trunk, "config", None)
    options = config.to_dict() if hasattr(config, "to_dict") else {}
    # Where it was read from does not matter: a run's own copy is the same network.
    told = {name: value for name, value in options.items() if name != "_name_or_path"}
    # Shares of what is dropped in training change no feature, and a run sets its own.
    layers = DROPPING.sub(r"\1", repr(trunk))
    return f"{type(trunk).__module__} {layers} {told}"


def spec_words(spec: InputSpec | None) -> dict[str, Any]:
    """Returns a spec as plain data; of a tokenizer's folder nothing, the tokens tell."""
    if spec is None:
        return {}
    words = {name: value for name, value in vars(spec).items() if name != "tokenizer"}
    return {name: repr(value) for name, value in words.items()}
