"""Checks the numbers among a method's options, which all have the same bounds.

Source: none (regraft).
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from regraft.strategies.options import check_options

MOST = 1e30
"""Above this an optimiser's own arithmetic overflows."""
MOST_COUNTED = 1_000_000
"""Steps, rows or widths above this are a slip of the keyboard."""
MOST_ROWS = 1000
"""Virtual rows for each row of the source."""


class NotFiniteError(ArithmeticError):
    """What a method learns is no finite number any more; its options may make it so."""


def wrong_numbers(made: object, name: str) -> list[str]:
    """Returns what is wrong with the numbers of a method, in words; empty where nothing is.

    Counts are from 1 to a million, other numbers are from 0 to what fp32 can be reckoned with.

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
    return 1 <= value <= MOST_COUNTED if isinstance(value, int) else 0 <= value <= MOST


def _wanted(value: Any) -> str:
    if isinstance(value, int):
        return f"a number from 1 to {MOST_COUNTED:,}"
    return f"a number from 0 to {MOST:.0e}"


def check_rows(name: str, rows: float) -> None:
    """Refuses more virtual rows for each row of the source than a machine can hold.

    Args:
        name: Of the method.
        rows: Its option.

    Raises:
        SettingsError: If they are too many.
    """
    check_options(
        name, ("rows", rows, rows <= MOST_ROWS, f"virtual rows from 0 to {MOST_ROWS} times")
    )
