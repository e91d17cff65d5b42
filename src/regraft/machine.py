"""Names what computes, which every measured figure depends on; says where it lacks memory."""

import platform
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

T = TypeVar("T")
CPUINFO = Path("/proc/cpuinfo")
TOO_LITTLE = ("out of memory", "can't allocate memory", "not enough memory")
"""What plain errors say where memory is too small."""


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


def out_of_memory(error: BaseException) -> bool:
    """Says whether an error means that a device's memory is too small.

    Not every device has a kind of error for that: Apple's and the processor raise a plain one.

    Args:
        error: That was raised.
    """
    if isinstance(error, torch.OutOfMemoryError):
        return True
    words = str(error).lower()
    return isinstance(error, RuntimeError) and any(each in words for each in TOO_LITTLE)


def if_it_fits(work: Callable[[], T]) -> T | None:
    """Returns what work makes, or None where the device's memory is too small for it.

    By then what the work held is free: less can be tried, which an `except` block is no
    place for, as the error there holds all tensors of the failed work.

    Args:
        work: Makes something.
    """
    try:
        return work()
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
    return None
