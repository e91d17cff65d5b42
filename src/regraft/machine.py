"""Names what computes, which every measured figure and verdict depends on."""

import platform
from pathlib import Path

import torch

CPUINFO = Path("/proc/cpuinfo")


def device_name(device: str) -> str:
    """Returns what computes on a device: the processor, after the graphics card if there is one.

    Args:
        device: As torch names it.
    """
    card = card_name(device)
    return processor_name() if card == "cpu" else f"{card} beside {processor_name()}"


def card_name(device: str) -> str:
    """Returns the name of a device's graphics card, or its kind where it has no name here."""
    kind = torch.device(device)
    named = kind.type == "cuda" and torch.cuda.is_available()
    return torch.cuda.get_device_name(kind) if named else kind.type


def processor_name(listing: Path = CPUINFO) -> str:
    """Returns the processor's name with family and model, as the system gives them.

    The name alone will not do: virtual machines call processors of different generations,
    with and without bf16 products, all "AMD EPYC".

    Args:
        listing: What Linux says of its processors.
    """
    facts: dict[str, str] = {}
    if listing.exists():
        for line in listing.read_text("utf-8", "replace").splitlines():
            key, _, value = line.partition(":")
            facts.setdefault(key.strip(), value.strip())
    name = facts.get("model name") or platform.processor() or platform.machine()
    kinds = {"family": "cpu family", "model": "model", "part": "CPU part"}
    known = [f"{word} {facts[key]}" for word, key in kinds.items() if facts.get(key)]
    return f"{name} ({', '.join(known)})" if known else name
