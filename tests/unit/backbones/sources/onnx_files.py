"""Makes the bytes of ONNX models for tests, without the library."""

import struct

import numpy as np
import numpy.typing as npt


def varint(number: int) -> bytes:
    """Returns a whole number, 7 bits a byte, lowest first."""
    found = []
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def field(number: int, value: int | bytes) -> bytes:
    """Returns a field of a message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def tensor(name: str, values: npt.ArrayLike, *, packed: bool = False) -> bytes:
    """Returns a TensorProto of fp32, with its values as raw bytes or, packed, as floats."""
    array = np.asarray(values, np.float32)
    flat = array.ravel().tolist()
    data = struct.pack(f"<{len(flat)}f", *flat)
    extents = (
        field(1, b"".join(map(varint, array.shape)))
        if packed
        else b"".join(field(1, extent) for extent in array.shape)
    )
    return extents + field(2, 1) + field(8, name.encode()) + field(4 if packed else 9, data)


def model(*tensors: bytes) -> bytes:
    """Returns a ModelProto with a node and these initialisers in its graph."""
    node = field(1, b"x") + field(2, b"y") + field(4, b"Relu")
    graph = field(1, node) + field(2, b"graph") + b"".join(field(5, one) for one in tensors)
    return field(1, 8) + field(2, b"by hand") + field(7, graph) + field(8, field(2, 13))
