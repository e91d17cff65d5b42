"""Defines rows: examples in columns, with labels, provenance, domain and group."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, overload

import numpy as np
import numpy.typing as npt

from regraft.data.mapped.columns import taken
from regraft.data.mapped.digests import Digests
from regraft.data.mapped.room import picked
from regraft.errors import whole

Modality = Literal["text", "image"]
Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")
_NAMES: dict[Part, str] = {
    "train": "train training 训练 训练集",
    "val": "val valid validation dev 验证 验证集",
    "test": "test testing 测试 测试集",
}
PART_NAMES = {name: part for part, names in _NAMES.items() for name in names.split()}
"""The part that each name means, in lower case."""
Image = npt.NDArray[np.uint8]
"""Decoded pixels, (H, W) grey or (H, W, C)."""
Input = str | bytes | Image
"""A text, the path of an image, an encoded image, or decoded pixels."""
UNLABELLED = -1
TOO_GOOD = "scores will look too good"
"""Said in a warning of rows that stand where they are learnt from and where they judge."""


@dataclass(frozen=True)
class Origin:
    """Where a row came from: a file and, for tables, its line (1-based)."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        file = whole(self.file)  # A name that is not UTF-8 could not be written anywhere.
        return f"{file}:{self.line}" if self.line else file


class PickedOrigins(Sequence[Origin]):
    """Gives chosen origins of another sequence, made when asked for.

    Args:
        origins: N places.
        indices: (M,) which of them, in which order.
    """

    def __init__(self, origins: Sequence[Origin], indices: npt.NDArray[np.int64]) -> None:
        self._origins = origins
        self._indices = indices
        if isinstance(origins, PickedOrigins):  # A pick of a pick is one pick.
            self._origins = origins._origins
            self._indices = picked(origins._indices, indices)

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, index: int) -> Origin: ...
    @overload
    def __getitem__(self, index: slice) -> "PickedOrigins": ...
    def __getitem__(self, index: int | slice) -> "Origin | PickedOrigins":
        if isinstance(index, slice):
            return PickedOrigins(self._origins, self._indices[index])
        return self._origins[int(self._indices[index])]


@dataclass(frozen=True)
class Rows:
    """Examples in columns; N rows.

    Args:
        modality: Whether the inputs are texts or images.
        inputs: N texts; or N paths of images, encoded images and arrays of pixels.
        classes: Names of the K classes, in the order of their numbers.
        labels: (N,) numbers of classes, `UNLABELLED` where a row has none.
        origins: N places for messages; may be a lazy sequence.
        domains: N names of domains, or empty.
        groups: N names of groups that a split must not part, or empty.
        digests: (N, 16) of the contents, equal for equal rows; None where nobody made them.
    """

    modality: Modality
    inputs: Sequence[Input]
    classes: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    origins: Sequence[Origin]
    domains: Sequence[str] = field(default=())
    groups: Sequence[str] = field(default=())
    digests: Digests | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def __iter__(self) -> Iterator[Input]:
        return iter(self.inputs)

    @property
    def units(self) -> npt.NDArray[np.int64] | None:
        """(N,) numbers that are equal for rows of one group; None where there are no groups."""
        if not self.groups:
            return None
        names = np.array(list(self.groups), dtype=np.str_)
        numbers = np.unique(names, return_inverse=True)[1].astype(np.int64)
        alone = names == ""
        numbers[alone] = len(names) + np.arange(int(alone.sum()))
        return numbers

    @property
    def labelled(self) -> bool:
        """Says whether every row has a label."""
        return len(self) > 0 and bool((self.labels != UNLABELLED).all())

    def take(self, indices: npt.NDArray[np.int64]) -> "Rows":
        """Returns new rows in the order of `indices`, (M,)."""
        return replace(
            self,
            inputs=taken(self.inputs, indices),
            labels=picked(self.labels, indices),
            origins=PickedOrigins(self.origins, indices),
            domains=taken(self.domains, indices) if self.domains else (),
            groups=taken(self.groups, indices) if self.groups else (),
            digests=None if self.digests is None else picked(self.digests, indices),
        )

    def counts(self) -> dict[str, int]:
        """Returns the number of labelled rows of each class, by name."""
        known = self.labels[self.labels != UNLABELLED]
        numbers = np.bincount(known, minlength=len(self.classes))
        return dict(zip(self.classes, numbers.tolist(), strict=True))


@dataclass(frozen=True)
class Problem:
    """A row that could not be used, and why."""

    origin: Origin
    reason: str


@dataclass(frozen=True)
class PictureFacts:
    """What the training images of a data set are like.

    Args:
        short_side: Median of the shorter side, in pixels.
        grey_share: Share of images without colour, a fraction in [0, 1].
    """

    short_side: int
    grey_share: float


@dataclass(frozen=True)
class Dataset:
    """Rows in parts, with what was understood of the data on the way.

    Args:
        name: Short name for run folders and tables.
        parts: Rows by part; `val` is empty where the data had none and under 200 rows have
            labels, those of a test part of their own not counted (then folds are used).
        split_rule: One sentence that says how the parts were made.
        notes: Sentences on what was guessed or changed, each with its reason.
        warnings: Sentences that the user should act on.
        problems: Rows left out, with reasons.
        columns: Column by role, such as `text` or `label`.
        pictures: Facts of the training images, where the rows are images.
        leaked: Places, among the test rows, of those whose content train or val has too.
        own_val: Whether the val part is one that the data had.
    """

    name: str
    parts: dict[Part, Rows]
    split_rule: str
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    columns: dict[str, str] = field(default_factory=dict)
    pictures: PictureFacts | None = None
    leaked: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    own_val: bool = False

    @property
    def modality(self) -> Modality:
        """The modality shared by all parts."""
        return self.parts["train"].modality

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the K classes, shared by all parts."""
        return self.parts["train"].classes
