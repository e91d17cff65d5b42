"""Decides how a text encoder's output becomes one vector, from what lies beside it."""

from pathlib import Path
from typing import Any

from regraft.backbones.backbone import Pooling
from regraft.backbones.sources.documents import read_object
from regraft.errors import BackboneError

RECORDED = "1_Pooling/config.json"
"""Where sentence-transformers records it."""
_KNOWN: dict[str, Pooling] = {"cls": "cls", "mean": "mean"}
_FLAG, _TOKENS, _TOKEN = "pooling_mode_", "_tokens", "_token"
"""What older files write around the word of a mode: `pooling_mode_cls_token`."""


def recorded_pooling(folder: Path) -> Pooling:
    """Returns the pooling that sentence-transformers recorded, the mean where it did not.

    Args:
        folder: Where the encoder was saved.

    Raises:
        BackboneError: If what was recorded is neither the mean nor the first token.
        DamagedFileError: If the file is damaged.
    """
    path = folder / RECORDED
    modes = _modes(read_object(path)) if path.is_file() else []
    if len(modes) == 1 and modes[0] in _KNOWN:
        return _KNOWN[modes[0]]
    if not modes:
        return "mean"
    raise BackboneError(
        f"{path} records the pooling {'+'.join(modes)}, which is not known here",
        expected="mean or cls",
        hint=f'"pooling_mode": "mean" in a copy of {path.name}',
    )


def _modes(content: dict[str, Any]) -> list[str]:
    """Returns the words of the modes in a file; several are to be put side by side."""
    stated = content.get("pooling_mode")
    if stated:
        return [str(word) for word in (stated if isinstance(stated, list) else [stated])]
    flags = [key for key, value in content.items() if key.startswith(_FLAG) and value is True]
    return [flag.removeprefix(_FLAG).removesuffix(_TOKENS).removesuffix(_TOKEN) for flag in flags]
