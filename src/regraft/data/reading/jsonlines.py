"""Makes cells, as text and in their types, from the text of a JSON Lines file."""

import json
import math
import re
from array import array
from collections.abc import Sequence

import pyarrow as pa

from regraft.data.reading.cells import Cells, clean_header, whole_cells
from regraft.data.reading.encodings import Opened
from regraft.errors import DataError


class _Whole(str):
    """Digits of a whole number, kept as written: no digit is lost, none costs time."""


class _Broken(str):
    """Digits of a number with a fraction or an exponent, kept as written."""


_Object = dict[str, object]
_NOUGHTS = re.compile(r"\.0+$")
"""What a whole number has behind it that was kept as a fraction, as pandas does beside gaps."""
_DIGITS = 21
"""Characters from which a whole number is never one of 64 bits."""
_EXACT = 2**53
"""Whole numbers up to this are fractions too, to the last digit."""


def parse_jsonl(opened: Opened, shown: str) -> Cells:
    """Returns the cells of a JSON Lines text: one object a line, columns in order of sight.

    Raises:
        DataError: If there is no row, or no line is an object.
    """
    with opened("") as stream:
        objects, lines, errors = _objects(stream.read())
    seen = list(dict.fromkeys(key for item in objects for key in item))
    if not seen:
        raise DataError(
            f"{shown} is empty" if not objects else f"{shown}:1 is not a JSON object",
            expected='one object a line, such as {"text": "good", "label": "pos"}',
        )
    names, notes = clean_header(seen, shown)
    keys = dict(zip(names, seen, strict=True))
    columns = {name: [item.get(key) for item in objects] for name, key in keys.items()}
    texts: dict[str, list[str | None]] = {
        name: whole_cells([_text(value) for value in values]) for name, values in columns.items()
    }
    frame = pa.table({name: _typed(values, texts[name]) for name, values in columns.items()})
    return Cells(texts, lines, frame, errors, notes)


def _objects(text: str) -> tuple[list[_Object], "array[int]", dict[int, str]]:
    objects, lines, errors = list[_Object](), array("q"), dict[int, str]()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        value, reason = _parse_line(line)
        if reason:
            errors[len(objects)] = reason
        objects.append(value)
        lines.append(number)
    return objects, lines, errors


def _parse_line(line: str) -> tuple[_Object, str]:
    try:
        value = json.loads(line, parse_int=_Whole, parse_float=_Broken, parse_constant=_constant)
    except ValueError as error:
        return {}, f"the line is not JSON: {error}"
    except RecursionError:
        return {}, "the line is nested too deeply"
    if not isinstance(value, dict):
        return {}, "the line is not a JSON object"
    return value, ""


def _constant(name: str) -> _Broken | None:
    """Returns what JSON itself has no number for; NaN stands for a missing value."""
    return None if name == "NaN" else _Broken(name)


def _text(value: object) -> str | None:
    if value is None or type(value) is str:
        return value
    if isinstance(value, _Broken):
        return _NOUGHTS.sub("", value)
    if isinstance(value, str | bool):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _typed(values: Sequence[object], texts: list[str | None]) -> pa.Array:
    """Returns a column in the type that all its values share, else as text.

    Whole numbers that the type would round, such as long ids, stay text too.
    """
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    numbers = _numbers(values, kinds)
    return pa.array(texts, pa.string()) if numbers is None else numbers


def _numbers(values: Sequence[object], kinds: set[type]) -> pa.Array | None:
    """Returns a column of numbers, or None where it is none or digits would be lost."""
    if not kinds or not kinds <= {_Whole, _Broken}:
        return None
    wholes = [value for value in values if type(value) is _Whole]
    if any(len(value) >= _DIGITS for value in wholes):
        return None
    if kinds == {_Whole}:
        return _whole_numbers(values)
    if any(abs(int(value)) > _EXACT for value in wholes):
        return None
    floats = [None if value is None else float(str(value)) for value in values]
    if all(number is None or math.isfinite(number) for number in floats):
        return pa.array(floats, pa.float64())
    return None


def _whole_numbers(values: Sequence[object]) -> pa.Array | None:
    try:
        return pa.array([None if each is None else int(str(each)) for each in values], pa.int64())
    except OverflowError:
        return None
