"""Makes a table from Python lists, arrays, dictionaries and data frames."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image as Pil

from regraft.data.reading.cells import text_array, whole_cells
from regraft.data.reading.origins import LineOrigins
from regraft.data.reading.pictures import are_paths, to_pixels, whole_picture
from regraft.data.reading.tables import Picture, Table, from_frame
from regraft.errors import DataError

NAME = "data"
_INDEX = "__index_level_"


def read_frame(source: object) -> Table:
    """Returns the table of an object that came from Python.

    Args:
        source: A data frame of pandas, polars or Arrow; a dictionary of columns; N texts,
            N paths of images or (N, H, W[, C]) pixels; or a pair of those and N labels.

    pandas and polars are recognised by the Arrow interface that their frames offer, and
    are never imported.

    Raises:
        DataError: If it is none of these, or its columns have different lengths.
    """
    if isinstance(source, Table):
        return source
    if isinstance(source, dict) or (hasattr(source, "__arrow_c_stream__") and _has_columns(source)):
        return from_frame(_to_arrow(source), NAME)
    if isinstance(source, tuple) and len(source) == 2 and not isinstance(source[0], str):
        return _from_lists(source[0], _to_list(source[1]))
    return _from_lists(source, None)


def _has_columns(source: object) -> bool:
    """Says whether this is a frame: a single column of polars offers the interface too."""
    return hasattr(source, "columns") or hasattr(source, "column_names")


def _to_arrow(source: Any) -> pa.Table:
    try:
        frame = pa.table(_with_nulls(source) if isinstance(source, dict) else source)
    except (pa.ArrowException, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"the columns cannot be read: {reason}",
            expected="columns of one length, each of one type",
        ) from error
    # By place: of two columns of one name neither could be asked for by it.
    kept = [n for n, name in enumerate(frame.column_names) if not name.startswith(_INDEX)]
    return frame.select(kept)


def _with_nulls(columns: dict[str, Any]) -> dict[str, Any]:
    """Returns columns whose lists have nulls where they have what pandas calls missing."""
    for name, values in columns.items():
        if isinstance(values, str | bytes):  # Arrow would take its letters for rows.
            raise DataError(
                f"column '{name}' is one value, not a list",
                expected="columns of one length, each of one type",
                hint="[value] for a single row",
            )
    plain = (list, tuple, np.ndarray)
    return {
        name: pa.array(values, from_pandas=True) if isinstance(values, plain) else values
        for name, values in columns.items()
    }


def _to_list(values: object) -> list[Any]:
    for method in ("tolist", "to_pylist", "to_list"):
        if hasattr(values, method):
            return list(getattr(values, method)())
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise DataError(
            f"data of type {type(values).__name__} cannot be read",
            expected="a path, lists, arrays or a data frame",
        )
    return list(values)


def _from_lists(inputs: Any, labels: list[Any] | None) -> Table:
    pictures = _as_pictures(inputs)
    texts = None if pictures is not None else _checked_texts(_to_list(inputs))
    count = len(pictures if pictures is not None else texts or [])
    if labels is not None and len(labels) != count:
        raise DataError(f"there are {count} inputs and {len(labels)} labels", expected="as many")
    columns: dict[str, list[str | None]] = {}
    some = [text for text in (texts or [])[:1000] if text]
    role = "image" if texts is None or are_paths(some) else "text"
    if texts is not None:
        # Paths stay as they are, for the files to be found.
        columns[role] = texts if role == "image" else whole_cells(texts)
    if labels is not None:
        columns["label"] = whole_cells([_label_text(label) for label in labels])
    shown = columns or {"row": [str(row) for row in range(1, count + 1)]}
    table = Table(
        name=NAME,
        columns=columns,
        origins=LineOrigins(NAME, range(1, count + 1)),
        frame=pa.table({name: text_array(cells) for name, cells in shown.items()}),
        known={role: role} | ({"label": "label"} if labels is not None else {}),
    )
    return table if pictures is None else replace(table, pixels={"image": pictures})


def _as_pictures(inputs: Any) -> list[Picture] | None:
    """Returns N pictures, or None where the inputs are no arrays and no pictures."""
    if isinstance(inputs, np.ndarray):
        _refuse_one_picture(inputs.shape)
        return list(inputs) if inputs.ndim >= 3 else None
    if not isinstance(inputs, list | tuple) or not inputs:
        return None
    if not isinstance(inputs[0], np.ndarray | Pil.Image):
        return None
    return [_as_picture(each, row) for row, each in enumerate(inputs, 1)]


def _refuse_one_picture(shape: tuple[int, ...]) -> None:
    """Refuses the shape of a single picture with channels, whose lines are no pictures."""
    if len(shape) == 3 and shape[2] in (1, 3, 4):
        raise DataError(
            f"an array of the shape {shape} is one picture",
            expected="the shape (N, H, W) or (N, H, W, C)",
            hint="[array] for a single picture",
        )


def _as_picture(each: Picture | Pil.Image, row: int) -> Picture:
    if not isinstance(each, Pil.Image):
        return each
    return to_pixels(whole_picture(each, f"input {row}"))


def _checked_texts(values: list[Any]) -> list[str | None]:
    for row, value in enumerate(values, 1):
        if not isinstance(value, str | Path) and not _is_missing(value):
            raise DataError(
                f"input {row} is of type {type(value).__name__}", expected="texts or pictures"
            )
    return [None if _is_missing(value) else str(value) for value in values]


def _label_text(label: object) -> str | None:
    if _is_missing(label):
        return None
    if isinstance(label, float | np.floating) and label.is_integer():
        return str(int(label))
    return str(label)


def _is_missing(value: object) -> bool:
    """Says whether a value stands for none: None, NaN, NaT or the NA of pandas."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except TypeError:  # The NA of pandas is neither equal to itself nor different.
        return True
    except (ValueError, RuntimeError):  # An array or a tensor, which differs here and there.
        return False
