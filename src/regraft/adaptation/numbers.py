"""Checks the numbers among a method's options, which all have the same bounds.

Source: none (regraft).
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

MOST = 1e30
"""Above this an optimiser's own arithmetic overflows."""


def wrong_numbers(made: object, name: str) -> list[str]:
    """Returns what is wrong with the numbers of a method, in words; empty where nothing is.

    Counts are at least 1, other numbers are from 0 to what fp32 can be reckoned with.

    Args:
        made: The method, a dataclass.
        name: As it was typed, for messages.
    """
    return [
        f"{name}:{option}={value} (expected: {_wanted(value)})"
        for option, value in _numbers(made)
        if not _fits(value)
    ]


def _numbers(made: Any) -> Iterator[tuple[str, Any]]:
    for field in fields(made) if is_dataclass(made) else ():
        value = getattr(made, field.name)
        if is_dataclass(value):
            yield from _numbers(value)
        elif isinstance(value, tuple):
            yield from ((field.name, each) for each in value)
        else:
            yield field.name, value


def _fits(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    return value >= 1 if isinstance(value, int) else 0 <= value <= MOST


def _wanted(value: Any) -> str:
    return "1 or more" if isinstance(value, int) else f"a number from 0 to {MOST:.0e}"
