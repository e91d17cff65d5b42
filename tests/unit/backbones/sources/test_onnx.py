"""Tests that initialisers of ONNX files are read as the format says, and faults refused."""

import numpy as np
import pytest
import torch

from regraft.backbones.sources.onnx import read_initialisers
from regraft.errors import DamagedFileError
from tests.unit.backbones.sources.onnx_files import field, model, tensor, varint

VALUES = np.arange(300, dtype=np.float32).reshape(150, 2) / 7


@pytest.mark.parametrize("packed", [False, True], ids=["raw", "packed"])
def test_values_extents_and_names_are_read(packed: bool) -> None:
    found = read_initialisers(model(tensor("a/b:0", VALUES, packed=packed)))
    assert list(found) == ["a/b:0"]
    assert torch.equal(found["a/b:0"], torch.from_numpy(VALUES))


def test_a_single_number_has_no_extents() -> None:
    found = read_initialisers(model(tensor("one", np.array(2.5, np.float32))))
    assert found["one"].shape == ()
    assert float(found["one"]) == 2.5


def test_what_is_read_lies_in_memory_of_its_own() -> None:
    content = model(tensor("a", VALUES))
    read_initialisers(content)["a"].zero_()
    assert torch.equal(read_initialisers(content)["a"], torch.from_numpy(VALUES))


def test_other_number_formats_are_passed_over() -> None:
    whole_numbers = field(1, 1) + field(2, 7) + field(8, b"shape") + field(9, bytes(8))
    found = read_initialisers(model(whole_numbers, tensor("a", VALUES)))
    assert list(found) == ["a"]


def test_fields_of_fixed_width_are_passed_over() -> None:
    unknown = varint(20 << 3 | 1) + bytes(8) + varint(21 << 3 | 5) + bytes(4)
    assert list(read_initialisers(unknown + model(tensor("a", VALUES)))) == ["a"]


def test_a_file_that_was_cut_is_refused_wherever_it_was_cut_in_the_graph() -> None:
    content = model(tensor("a", VALUES[:3]))
    start = content.index(b"by hand") + len(b"by hand")
    end = len(content) - len(field(8, field(2, 13)))
    for length in range(start + 1, end):
        with pytest.raises(DamagedFileError, match="the ONNX file is damaged"):
            read_initialisers(content[:length])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (field(7, field(5, field(1, 3) + field(2, 1) + field(9, bytes(8)))), "8 bytes"),
        (b"\x80" * 20, "does not end"),
        (varint(7 << 3 | 3), "wire type 3"),
        (varint(7 << 3 | 2) + varint(2**60) + b"x", "has 1"),
    ],
    ids=["too few values", "endless number", "unknown type", "longer than the file"],
)
def test_bytes_that_are_no_model_are_refused(content: bytes, reason: str) -> None:
    with pytest.raises(DamagedFileError, match=reason):
        read_initialisers(content)
