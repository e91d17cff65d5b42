"""Makes cells, as text and in their types, from the text of a JSON Lines file."""

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regraft.data.mapped.columns import Column, GrowingFrame, column_of
from regraft.data.mapped.room import Growing
from regraft.data.reading.cells import Cells, as_written, clean_header, refuse_crowd, text_array
from regraft.data.reading.encodings import Opened
from regraft.errors import DataError

BATCH = 4096
"""Rows that are made into columns together."""


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
_TEXTS = pa.schema([("text", pa.string())])


def parse_jsonl(opened: Opened, shown: str) -> Cells:
    """Returns the cells of a JSON Lines text: one object a line, columns in order of sight.

    Raises:
        DataError: If there is no row, or no line is an object, or there are too many keys.
    """
    errors = dict[int, str]()
    with opened("\n") as stream:
        seen, lines = _collect(stream, errors, shown)
    if not seen:
        raise DataError(
            f"{shown} is empty" if not len(lines) else f"{shown}:1 is not a JSON object",
            expected='one object a line, such as {"text": "good", "label": "pos"}',
        )
    names, notes = clean_header(list(seen), shown)
    columns, typed = dict[str, Column[str | None]](), dict[str, pa.ChunkedArray]()
    for name, growing in zip(names, seen.values(), strict=True):
        texts = growing.whole(len(lines))
        columns[name], typed[name] = column_of(texts), _typed(texts, growing.kind)
    return Cells(columns, lines, pa.table(typed), errors, notes, as_written(list(seen), names))


def _collect(
    stream: Iterable[str], errors: dict[int, str], shown: str
) -> tuple[dict[str, "_GrowingColumn"], npt.NDArray[np.int64]]:
    """Returns the columns by key and (N,) lines; puts reasons why not into `errors`, by row."""
    numbered = ((number, line) for number, line in enumerate(stream, 1) if line.strip())
    columns, lines, read = dict[str, _GrowingColumn](), Growing(np.int64), 0
    while some := list(islice(numbered, BATCH)):
        parsed = [_parse_line(line) for _, line in some]
        errors |= {read + place: reason for place, (_, reason) in enumerate(parsed) if reason}
        keys = dict.fromkeys(key for item, _ in parsed for key in item)
        # Before there is room for them: keys that few lines have make columns of all lines.
        refuse_crowd(len(columns.keys() | keys.keys()), shown)
        for key in keys:
            growing = columns.setdefault(key, _GrowingColumn())
            growing.add([item.get(key) for item, _ in parsed], above=read)
        lines.add(np.array([number for number, _ in some]))
        read += len(some)
    return columns, lines.whole()


def _parse_line(line: str) -> tuple[_Object, str]:
    try:
        value = json.loads(line, parse_int=_Whole, parse_float=_Broken, parse_constant=_constant)
        if isinstance(value, dict):
            return _with_nested(value, line), ""
    except ValueError as error:
        return {}, f"the line is not JSON: {error}"
    except RecursionError:
        return {}, "the line is nested too deeply"
    return {}, "the line is not a JSON object"


def _with_nested(item: _Object, line: str) -> _Object:
    """Returns an object whose lists and objects hold numbers, not digits, to be written again."""
    nested = [key for key, value in item.items() if isinstance(value, dict | list)]
    if not nested:
        return item
    try:
        usual = json.loads(line, parse_constant=_constant)
    except ValueError:  # A number of more digits than Python reads stays as it was written.
        return item
    return item | {key: usual[key] for key in nested}


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


class _GrowingColumn:
    """The texts of one key so far, and what is known of its values."""

    def __init__(self) -> None:
        self._texts = GrowingFrame(_TEXTS)
        self._rows = 0
        self._kinds = set[type]()
        self._least = self._most = 0
        self._finite = True

    def add(self, values: Sequence[object], *, above: int) -> None:
        """Adds the values of the rows that follow so many others."""
        self._fill(above)
        self._append(text_array([_text(value) for value in values]))
        kinds = {type(value) for value in values if value is not None}
        self._kinds |= kinds
        if kinds & {_Whole, _Broken}:
            self._measure(values)

    def _measure(self, values: Sequence[object]) -> None:
        """Notes how large the whole numbers are, and whether the fractions are finite."""
        for value in values:
            if type(value) is _Whole:
                number = int(value) if len(value) < _DIGITS else 2**63
                self._least, self._most = min(self._least, number), max(self._most, number)
            elif type(value) is _Broken:
                self._finite &= math.isfinite(float(str(value)))

    @property
    def kind(self) -> pa.DataType:
        """The type that all values share and that loses no digit, else that of texts."""
        if self._kinds == {bool}:
            return pa.bool_()
        if self._kinds == {_Whole} and self._least >= -(2**63) and self._most < 2**63:
            return pa.int64()
        exact = max(-self._least, self._most) <= _EXACT
        broken = _Broken in self._kinds and self._kinds <= {_Whole, _Broken}
        return pa.float64() if broken and exact and self._finite else pa.string()

    def whole(self, rows: int) -> pa.ChunkedArray:
        """Returns all texts, of so many rows; nothing may be added afterwards."""
        self._fill(rows)
        return self._texts.whole().column(0)

    def _fill(self, rows: int) -> None:
        """Adds what is missing of so many rows: lines that have no such key."""
        if rows > self._rows:
            self._append(pa.nulls(rows - self._rows, pa.string()))

    def _append(self, texts: pa.Array) -> None:
        self._texts.add(pa.record_batch([texts], schema=_TEXTS))
        self._rows += len(texts)


def _typed(texts: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if kind == pa.string():
        return texts
    return pa.chunked_array([_values(chunk, kind) for chunk in texts.chunks], kind)


def _values(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    readers: dict[pa.DataType, Callable[[str], object]] = {
        pa.bool_(): "True".__eq__,
        pa.int64(): int,
        pa.float64(): float,
    }
    read = readers[kind]
    return pa.array([None if text is None else read(text) for text in texts.to_pylist()], kind)
