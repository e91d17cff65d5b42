"""Makes tensors from the initialisers of an ONNX file, reading nothing else of it.

Source: the Protocol Buffers encoding (protobuf.dev/programming-guides/encoding) and the field
numbers of onnx.proto (ModelProto.graph 7, GraphProto.initializer 5, TensorProto below).
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from regraft.backbones.weights import Weights
from regraft.errors import DamagedFileError

_GRAPH = 7
_INITIALISER = 5
_DIMS, _DATA_TYPE, _FLOATS, _NAME, _RAW = 1, 2, 4, 8, 9
_FLOAT32 = 1
_VARINT, _LENGTH = 0, 2
_FIXED = {1: 8, 5: 4}
"""Bytes of the wire types that carry no length."""
_LONGEST_VARINT = 10

Field = tuple[int, int | memoryview]
"""Number of a field, and its value: a whole number, or the bytes of anything else."""


def read_initialisers(content: bytes) -> Weights:
    """Returns the fp32 initialisers of an ONNX model by name, each in its own memory.

    Nodes, attributes and initialisers of other number formats are passed over; data outside
    the file are not looked for.

    Args:
        content: The whole file.

    Raises:
        DamagedFileError: If the bytes are no protocol buffer, or a tensor has other than the
            values that its extents ask for.
    """
    tensors: Weights = {}
    for graph in _messages(memoryview(content), _GRAPH):
        for message in _messages(graph, _INITIALISER):
            fields = list(_fields(message))
            if (_DATA_TYPE, _FLOAT32) in fields:
                tensors[_name(fields)] = _tensor(fields)
    return tensors


def _name(fields: list[Field]) -> str:
    """Returns the name of a tensor."""
    return "".join(str(value, "utf-8", "replace") for value in _bytes(fields, _NAME))


def _tensor(fields: list[Field]) -> Tensor:
    """Returns the values of a tensor, which lie in one of two fields."""
    extents = list(_extents(fields))
    data = b"".join([*_bytes(fields, _FLOATS), *_bytes(fields, _RAW)])
    if len(data) != 4 * math.prod(extents):
        raise _damaged(f"{_name(fields)} has {len(data):,} bytes for the extents {extents}")
    values = np.frombuffer(data, "<f4").astype(np.float32)
    return torch.from_numpy(values).reshape(extents)


def _extents(fields: list[Field]) -> Iterator[int]:
    """Returns the extents of a tensor, which writers put one to a field or all into one."""
    for number, value in fields:
        if number != _DIMS:
            continue
        if isinstance(value, int):
            yield value
        else:
            yield from _varints(value)


def _bytes(fields: list[Field], wanted: int) -> Iterator[memoryview]:
    """Returns the values of one field that are bytes."""
    return (v for number, v in fields if number == wanted and isinstance(v, memoryview))


def _messages(view: memoryview, wanted: int) -> Iterator[memoryview]:
    """Returns the messages that one field of a message holds."""
    return (v for number, v in _fields(view) if number == wanted and isinstance(v, memoryview))


def _fields(view: memoryview) -> Iterator[Field]:
    """Returns the fields of a message in order."""
    place = 0
    while place < len(view):
        key, place = _varint(view, place)
        value, place = _value(view, place, kind=key & 7)
        yield key >> 3, value


def _value(view: memoryview, place: int, *, kind: int) -> tuple[int | memoryview, int]:
    """Returns the value at a place, and the place behind it."""
    if kind == _VARINT:
        return _varint(view, place)
    if kind == _LENGTH:
        size, place = _varint(view, place)
    elif kind in _FIXED:
        size = _FIXED[kind]
    else:
        raise _damaged(f"a field has the wire type {kind}")
    if size > len(view) - place:
        raise _damaged(f"a field of {size:,} bytes has {len(view) - place:,}")
    return view[place : place + size], place + size


def _varints(view: memoryview) -> Iterator[int]:
    """Returns whole numbers that were packed together."""
    place = 0
    while place < len(view):
        number, place = _varint(view, place)
        yield number


def _varint(view: memoryview, place: int) -> tuple[int, int]:
    """Returns the whole number at a place (7 bits a byte, lowest first), and the place behind."""
    number = 0
    for count, byte in enumerate(view[place : place + _LONGEST_VARINT]):
        number |= (byte & 127) << 7 * count
        if byte < 128:
            return number, place + count + 1
    raise _damaged("a whole number does not end")


def _damaged(reason: str) -> DamagedFileError:
    """Returns the error for bytes that are no ONNX model."""
    return DamagedFileError(f"the ONNX file is damaged: {reason}", expected="an ONNX model")
