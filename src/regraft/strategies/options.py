"""Makes a strategy, modifier or method with options from words such as `rate=0.001`.

Source: none (regraft).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, get_args, get_origin, get_type_hints

from regraft.errors import SettingsError, nearest, one_of

KINDS = {int: "a whole number", float: "a number", str: "a word", bool: "true or false"}
WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
BETWEEN = "/"
"""Stands between the numbers of an option that has several."""
REFUSED = "these options cannot be used: "
Check = tuple[str, object, bool, str]
"""An option, its value, whether it can have it, and what is expected of it, in words."""


def check_options(name: str, *checks: Check) -> None:
    """Refuses the values that options cannot have, all in one sentence.

    Args:
        name: Of the strategy, modifier or method, as it is typed.
        *checks: One for each option.

    Raises:
        SettingsError: If a check does not fit.
    """
    wrong = [
        f"{name}:{option}={typed(value)} (expected: {expected})"
        for option, value, fits, expected in checks
        if not fits
    ]
    if wrong:
        raise SettingsError(REFUSED + "; ".join(wrong))


def typed(value: object) -> str:
    """Returns the value of an option as one types it."""
    return BETWEEN.join(map(str, value)) if isinstance(value, tuple) else str(value)


def made_with(make: Callable[..., Any], name: str, *, words: str) -> Any:
    """Returns `make(option=value, …)`.

    Args:
        make: A dataclass whose fields are the options; those of a field that is a dataclass
            itself are options too.
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
        if kinds and text is None:
            example = f"{name}:{_example(make, option)}"
            wrong.append(f"{name}:{option} (expected: option=value, such as {example})")
            continue
        if option not in kinds:
            wrong.append(_unknown(name, option, kinds))
            continue
        try:
            values[option] = _value(kinds[option], text or "")
        except ValueError:
            wrong.append(f"{name}:{option}={text} (expected: {_kind_words(kinds[option])})")
    try:
        made = _built(make, values)
    except SettingsError as error:
        wrong.append(str(error).removeprefix(REFUSED))
    if wrong:
        raise SettingsError(REFUSED + "; ".join(wrong))
    return made


def options_of(make: Callable[..., Any]) -> dict[str, Any]:
    """Returns the options with their usual values."""
    found: dict[str, Any] = {}
    for name, kind in _fields(make).items():
        usual = getattr(make, name, None)
        found |= (
            {n: getattr(usual, n) for n in _kinds(kind)} if is_dataclass(kind) else {name: usual}
        )
    return found


def _built(make: Callable[..., Any], values: Mapping[str, Any]) -> Any:
    """Returns `make` with values; of a field that is a dataclass the others are kept."""
    own: dict[str, Any] = {}
    for name, kind in _fields(make).items():
        inner = {n: values[n] for n in _kinds(kind) if n in values} if is_dataclass(kind) else {}
        if inner:
            own[name] = replace(getattr(make, name), **inner)
        elif name in values:
            own[name] = values[name]
    return make(**own)


def _pairs(words: str) -> Iterator[tuple[str, str | None]]:
    for word in filter(None, words.split(",")):
        option, equals, text = word.partition("=")
        yield option.strip(), text.strip() if equals else None


def _value(kind: Any, text: str) -> Any:
    if get_origin(kind) is tuple:
        return tuple(_value(get_args(kind)[0], part) for part in text.split(BETWEEN))
    if kind is not bool:
        return kind(text)
    if text.lower() not in WORDS:
        raise ValueError(text)
    return WORDS[text.lower()]


def _example(make: Any, word: str) -> str:
    """Returns an option with a value: what was probably meant by a word that has no `=`."""
    kinds, usual = _kinds(make), options_of(make)
    fitting = [option for option, kind in kinds.items() if _fits(kind, word)]
    if fitting and word not in kinds:
        return f"{fitting[0]}={word}"
    option = word if word in kinds else next(iter(kinds))
    return f"{option}={'VALUE' if usual[option] is None else typed(usual[option])}"


def _fits(kind: Any, text: str) -> bool:
    try:
        _value(kind, text)
    except ValueError:
        return False
    return True


def _kind_words(kind: Any) -> str:
    if get_origin(kind) is tuple:
        return f"{_kind_words(get_args(kind)[0])}, or several with {BETWEEN} between"
    return KINDS[kind]


def _kinds(make: Any) -> dict[str, Any]:
    """Returns the kind of each option."""
    found: dict[str, Any] = {}
    for name, kind in _fields(make).items():
        found |= _kinds(kind) if is_dataclass(kind) else {name: kind}
    return found


def _fields(make: Any) -> dict[str, Any]:
    if not is_dataclass(make):
        return {}
    hints = get_type_hints(make)
    return {field.name: _plain(hints[field.name]) for field in fields(make)}


def _plain(hint: Any) -> Any:
    """Returns the kind of a value that may also be left open."""
    if get_origin(hint) is tuple:
        return hint
    kinds = [kind for kind in get_args(hint) or (hint,) if kind is not type(None)]
    return kinds[0]


def _unknown(name: str, option: str, kinds: Mapping[str, Any]) -> str:
    if not kinds:
        return f"{name}:{option} ({name} has no options)"
    guess = nearest(option, kinds)
    return f"{name}:{option} ({f'did you mean {guess}?' if guess else one_of(kinds)})"
