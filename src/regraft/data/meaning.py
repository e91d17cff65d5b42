"""Makes labels, classes and given parts from the cells of a table."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regraft.data.guess import Roles
from regraft.data.inputs import Inputs, gather
from regraft.data.looks import class_order, is_number, no_part
from regraft.data.mapped.columns import mapped
from regraft.data.mapped.room import room_made, room_of
from regraft.data.reading.tables import Table
from regraft.data.rows import PART_NAMES, PARTS, UNLABELLED, Problem, Rows
from regraft.data.split import TRAIN, Parts
from regraft.errors import DataError, nearest

Numbers = npt.NDArray[np.int64]
_NAN = "nan"
_NOUGHTS = re.compile(r"\.0*$")


@dataclass(frozen=True)
class Labels:
    """The labels of N rows, each different one written once.

    Args:
        names: Of the labels, in order of sight.
        numbers: (N,) places in `names`; `UNLABELLED` where there is none.
    """

    names: tuple[str, ...]
    numbers: Numbers

    def of(self, row: int) -> str:
        """Returns the label of a row that has one."""
        return self.names[int(self.numbers[row])]

    def are(self, wanted: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Returns (N,) whether the label of each row is one of those wanted."""
        known = [number != UNLABELLED for number in numbers_of(self.names, wanted)]
        # The last one stands for rows without a label, whose number is -1.
        return np.array([*known, False])[self.numbers]


@dataclass(frozen=True)
class Read:
    """A table with its meaning.

    Args:
        table: N rows.
        roles: The column of each role.
        gathered: Their inputs.
        labels: Their labels.
        given: (N,) parts as the data says, or empty.
    """

    table: Table
    roles: Roles
    gathered: Inputs
    labels: Labels
    given: Parts


def meaning_of(table: Table, roles: Roles, *, parted: bool) -> Read:
    """Returns a table with its meaning.

    Args:
        table: N rows.
        roles: The column of each role.
        parted: Whether the rows are to be learnt from: then a column of parts is looked at, and
            of whole numbers `1` and `1.0` are one class.

    Raises:
        DataError: If the labels are pictures, or a part has another name than those known.
    """
    given = given_parts(table, roles if parted else Roles())
    labels = _without_nan(_labels(table, roles))
    if parted:
        labels = _with_whole_names(labels)
    return Read(table, roles, gather(table, roles), labels, given)


def _labels(table: Table, roles: Roles) -> Labels:
    if roles.label is None:
        return Labels((), room_made((len(table),), np.int64, make=lambda block: UNLABELLED))
    cells = table.columns.get(roles.label)
    if cells is None:
        raise DataError(f"column '{roles.label}' holds pictures, not labels")
    names: dict[str, int] = {}
    seen: dict[str | None, int] = {}

    def number(cell: str | None) -> int:
        if cell not in seen:
            name = label_of(cell)
            seen[cell] = names.setdefault(name, len(names)) if name else UNLABELLED
        return seen[cell]

    numbers = room_of(map(number, cells), len(cells), dtype=np.int64)
    return Labels(tuple(names), numbers)


def label_of(cell: str | None) -> str:
    """Returns the label in a cell, empty where there is none: what looks alike is alike."""
    return unicodedata.normalize("NFC", (cell or "").strip())


def true_names(names: Iterable[str]) -> list[str]:
    """Returns names of labels without `nan` where all others are numbers: there it means none.

    >>> true_names(["1", "NaN"]), true_names(["naan", "nan"])
    (['1'], ['naan', 'nan'])
    """
    every = list(names)
    others = [name for name in every if name.casefold() != _NAN]
    return others if others and all(map(is_number, others)) else every


def _without_nan(labels: Labels) -> Labels:
    known = {name: number for number, name in enumerate(true_names(labels.names))}
    if len(known) == len(labels.names):
        return labels
    return _renumbered(labels, tuple(known), [known.get(n, UNLABELLED) for n in labels.names])


def nan_labels(labels: Labels) -> list[str]:
    """Returns a warning where the word `nan` is a class: a missing label is often written so."""
    count = int(labels.are([name for name in labels.names if name.casefold() == _NAN]).sum())
    told = f"1 label is '{_NAN}'" if count == 1 else f"{count:,} labels are '{_NAN}'"
    return [f"{told}; if that means none, leave these cells empty"] if count else []


def usable_cells(table: Table, column: str) -> list[str | None]:
    """Returns the N cells of a column of texts, None for rows that cannot be used.

    In a row that has too many or too few cells they are not those of their columns.

    Args:
        table: N rows.
        column: Its name; where it has no texts there are no cells.
    """
    cells = enumerate(table.columns.get(column, []))
    return [None if row in table.errors else cell for row, cell in cells]


def whole_names(names: Sequence[str]) -> list[str]:
    """Returns names of classes without `.0` where all of them are whole numbers.

    >>> whole_names(["1.0", "2", "1"]), whole_names(["1.0", "2.5"])
    (['1', '2', '1'], ['1.0', '2.5'])
    """
    plain = [_NOUGHTS.sub("", name) for name in names]
    return plain if all(is_number(name) and "." not in name for name in plain) else list(names)


def _with_whole_names(labels: Labels) -> Labels:
    """Returns labels of which `1` and `1.0` are one, as they are in sources with types."""
    plain = whole_names(labels.names)
    if plain == list(labels.names):
        return labels
    known = {name: number for number, name in enumerate(dict.fromkeys(plain))}
    return _renumbered(labels, tuple(known), [known[name] for name in plain])


def _renumbered(labels: Labels, names: tuple[str, ...], numbers: list[int]) -> Labels:
    """Returns labels of other names, each old one with its new number."""
    table, found = np.array([*numbers, UNLABELLED], np.int64), labels.numbers
    made = room_made(found.shape, np.int64, make=lambda block: table[found[block]])
    return Labels(names, made)


def numbers_of(names: Iterable[str], classes: Sequence[str]) -> list[int]:
    """Returns the number of the class that each name is, `UNLABELLED` where it is none.

    A class may be written in another way than the name: by an earlier version, or in other data,
    as the truths of Parquet are in the CSV that Arrow makes of them.

    Args:
        names: Of labels, as `label_of` gives them.
        classes: Names of the K classes, in the order of their numbers.
    """
    exact = {name: number for number, name in enumerate(classes)}
    truths = len(classes) == 2 and {name.casefold() for name in classes} == {"false", "true"}
    alike = {_alike(name, truths=truths): number for name, number in exact.items()}
    return [exact.get(name, alike.get(_alike(name, truths=truths), UNLABELLED)) for name in names]


def _alike(name: str, *, truths: bool) -> str:
    plain = whole_names([label_of(name)])[0]
    return plain.casefold() if truths else plain


def given_parts(table: Table, roles: Roles, *, then: str = "the rows are parted for you") -> Parts:
    """Returns (N,) parts as the data says, or nothing where it says none.

    Args:
        table: N rows.
        roles: The column of each role.
        then: What comes of the rows without such a column.

    Raises:
        DataError: If a part has another name than those known.
    """
    split = roles.split
    if split is None:
        return np.zeros(0, np.int8)
    cells = table.columns.get(split, [])

    def place(row: int, cell: str | None) -> int:
        part = PART_NAMES.get((cell or "").strip().lower())
        if part is None and row in table.errors:  # It is left out anyhow.
            return TRAIN
        if part is None:
            raise no_part(table, split, row=row, hint=f"no --split, and {then}")
        return PARTS.index(part)

    return room_of((place(*each) for each in enumerate(cells)), len(cells), dtype=np.int8)


def classes_of(read: Read, kept: Numbers) -> tuple[str, ...]:
    """Returns the names of the classes: the labels of the rows that are learnt from.

    Args:
        read: N rows.
        kept: (M,) those that can be used.

    Raises:
        DataError: If there are fewer than two, each row has another, or a part has one that
            train lacks.
    """
    learnt = kept[read.given[kept] == TRAIN] if len(read.given) else kept
    present = np.unique(read.labels.numbers[learnt])
    classes = class_order([read.labels.names[number] for number in present])
    if len(classes) < 2:
        only = f"only the class '{classes[0]}'" if classes else "no labelled row in train"
        raise DataError(f"{read.table.name} has {only}", expected="two classes or more")
    if len(classes) == len(learnt) and len(classes) > 2:
        raise DataError(
            f"column '{read.roles.label}' has another value in each of {len(learnt)} rows",
            expected="classes that several rows share",
            hint="another column (--label)",
        )
    outside = np.flatnonzero(~read.labels.are(classes)[kept])
    if len(outside):
        raise _unknown_class(read, int(kept[outside[0]]), classes=classes)
    return classes


def _unknown_class(read: Read, row: int, *, classes: tuple[str, ...]) -> DataError:
    label, part = read.labels.of(row), PARTS[read.given[row]]
    near = nearest(label, classes)
    return DataError(
        f"{read.table.origins[row]} in part {part} has class '{label}', which train lacks",
        expected=f"one of {len(classes)} classes of train",
        hint=f"'{near}'" if near else "",
    )


def unknown_labels(read: Read, classes: Sequence[str]) -> list[Problem]:
    """Returns a problem for each row whose label is none of the classes."""
    labels = read.labels
    rows = np.flatnonzero(~labels.are(classes) & (labels.numbers != UNLABELLED))
    return [
        Problem(read.table.origins[row], f"label '{labels.of(row)}' is none of the classes")
        for row in rows.tolist()
    ]


def rows_of(read: Read, classes: tuple[str, ...]) -> Rows:
    """Returns the rows of a table, labels as numbers of classes."""
    table = np.array([*numbers_of(read.labels.names, classes), UNLABELLED], np.int64)
    found = read.labels.numbers
    return Rows(
        modality=read.gathered.modality,
        inputs=read.gathered.inputs,
        classes=classes,
        labels=room_made(found.shape, np.int64, make=lambda block: table[found[block]]),
        origins=read.table.origins,
        domains=_names(read.table, read.roles.domain),
        groups=_names(read.table, read.roles.group),
        digests=read.gathered.keys,
    )


def _names(table: Table, column: str | None) -> Sequence[str]:
    return () if column is None else mapped(table.columns[column], _stripped)


def _stripped(cell: str | None) -> str:
    return (cell or "").strip()
