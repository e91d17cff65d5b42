"""Makes a strategy or modifier with options from words such as `rate=0.001,steps=5`.

Source: none (regraft).
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

from regraft.errors import SettingsError, nearest, one_of

KINDS = {int: "a whole number", float: "a number", str: "a word", bool: "true or false"}
WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def made_with(make: Callable[..., Any], name: str, *, words: str) -> Any:
    """Returns `make(option=value, …)`.

    Args:
        make: A dataclass whose fields are the options.
        name: As it was typed, for messages.
        words: `option=value` with commas between; empty = none.

    Raises:
        SettingsError: If an option does not exist or its value cannot be used; all that is
            wrong is told at once.
    """
    kinds = _kinds(make)
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for option, text in _pairs(words):
        if option not in kinds:
            wrong.append(_unknown(name, option, kinds))
            continue
        try:
            values[option] = _value(kinds[option], text)
        except ValueError:
            wrong.append(f"{name}:{option}={text} (expected: {KINDS[kinds[option]]})")
    if wrong:
        raise SettingsError("these options cannot be used: " + "; ".join(wrong))
    return make(**values)


def options_of(make: Callable[..., Any]) -> dict[str, Any]:
    """Returns the options with their usual values."""
    return {name: getattr(make, name, None) for name in _kinds(make)}


def _pairs(words: str) -> Iterator[tuple[str, str]]:
    for word in filter(None, words.split(",")):
        option, _, text = word.partition("=")
        yield option.strip(), text.strip()


def _value(kind: type, text: str) -> Any:
    if kind is not bool:
        return kind(text)
    if text.lower() not in WORDS:
        raise ValueError(text)
    return WORDS[text.lower()]


def _kinds(make: Callable[..., Any]) -> dict[str, type]:
    if not is_dataclass(make):
        return {}
    hints = get_type_hints(make)
    return {field.name: _plain(hints[field.name]) for field in fields(make)}


def _plain(hint: Any) -> type:
    """Returns the kind of a value that may also be left open."""
    kinds = [kind for kind in get_args(hint) or (hint,) if kind is not type(None)]
    plain: type = kinds[0]
    return plain


def _unknown(name: str, option: str, kinds: dict[str, type]) -> str:
    if not kinds:
        return f"{name}:{option} ({name} has no options)"
    guess = nearest(option, kinds)
    return f"{name}:{option} ({f'did you mean {guess}?' if guess else one_of(kinds)})"
