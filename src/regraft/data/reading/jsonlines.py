"""Makes cells, as text and in their types, from the text of a JSON Lines file."""

import json
import math
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
        value = json.loads(line, parse_int=_Whole, parse_float=_Broken, parse_constant=_Broken)
    except ValueError as error:
        return {}, f"the line is not JSON: {error}"
    except RecursionError:
        return {}, "the line is nested too deeply"
    if not isinstance(value, dict):
        return {}, "the line is not a JSON object"
    return value, ""


def _text(value: object) -> str | None:
    if value is None or type(value) is str:
        return value
    if isinstance(value, str):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _typed(values: Sequence[object], texts: list[str | None]) -> pa.Array:
    """Returns a column in the type that all its values share, else as text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {_Whole} and all(text is None or len(text) < 18 for text in texts):
        return pa.array([None if text is None else int(text) for text in texts], pa.int64())
    if kinds and kinds <= {_Whole, _Broken}:
        numbers = [None if text is None else float(text) for text in texts]
        if all(number is None or math.isfinite(number) for number in numbers):
            return pa.array(numbers, pa.float64())
    return pa.array(texts, pa.string())
