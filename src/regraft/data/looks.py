"""Decides what the cells of a column look like, and the order of classes, from a sample."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from unicodedata import east_asian_width

from regraft.data.reading.pictures import LONG_PATH, are_paths
from regraft.data.reading.sources import exists
from regraft.data.reading.tables import Table
from regraft.data.rows import PART_NAMES
from regraft.errors import DataError

_SAMPLE = 2000
_START = 100  # characters of a cell among which wide ones are counted
# A letter beside a blank, or one outside of ASCII: neither are in paths, times and codes.
_WORDED = re.compile(r"[^\W\d_]\s|\s[^\W\d_]|[^\W\d_\x00-\x7f]")
LONG_NAME = 40
"""Characters above which the name of a column is rather a cell."""
MANY_NUMBERS = 20
"""Classes that are numbers, above which decimals among them make them a measurement."""


LEAST_TEXT = 12
"""Characters that texts have on average, a wide one counted twice."""


@dataclass(frozen=True)
class Looks:
    """What a sample of the cells of one column looks like.

    Args:
        filled: Share of cells that are not empty, a fraction in [0, 1].
        length: Mean number of characters.
        width: The same, where a wide character (Chinese, Japanese, Korean) counts as two.
        worded: Share of cells that have a blank beside letters, or letters outside of ASCII.
        distinct: Number of different cells.
        count: Number of cells that are not empty.
        numeric: Whether all cells are numbers.
        paths: Whether nearly all cells end as pictures do.
    """

    filled: float
    length: float
    width: float
    worded: float
    distinct: int
    count: int
    numeric: bool
    paths: bool

    @property
    def as_text(self) -> bool:
        """Says whether the cells are long, of words, and mostly different, as texts are."""
        return (
            self.count > 0
            and not (self.numeric or self.paths)
            and self.width >= LEAST_TEXT
            and self.worded > 0.5
            and self.distinct >= 0.5 * self.count
        )

    @property
    def as_label(self) -> bool:
        """Says whether the cells are short and few values come again and again."""
        return self.length <= 60 and 2 <= self.distinct <= min(200, 0.5 * self.count)


def look_at(cells: Sequence[str | None]) -> Looks:
    """Returns what a sample of cells, taken at equal steps, looks like."""
    step = max(1, len(cells) // _SAMPLE)
    sample = cells[::step]
    filled = [cell.strip() for cell in sample if cell and cell.strip()]
    return Looks(
        filled=len(filled) / max(1, len(sample)),
        length=sum(map(len, filled)) / max(1, len(filled)),
        width=sum(map(_width, filled)) / max(1, len(filled)),
        worded=sum(map(bool, map(_WORDED.search, filled))) / max(1, len(filled)),
        distinct=len(set(filled)),
        count=len(filled),
        numeric=all(map(is_number, filled)),
        paths=are_paths(filled),
    )


def _width(cell: str) -> int:
    start = "" if cell.isascii() else cell[:_START]
    return len(cell) + sum(east_asian_width(letter) in "WF" for letter in start)


class TableLooks:
    """Says what each column of a table can be."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._looks = {name: look_at(cells) for name, cells in table.columns.items()}
        self._nothing = look_at([])

    def is_filled(self, name: str) -> bool:
        """Says whether a column has cells of text that are not empty."""
        return self._look(name).count > 0

    def is_text(self, name: str) -> bool:
        """Says whether a column can be texts, if its name says so."""
        return self.is_filled(name) and not self._look(name).paths

    def is_long_text(self, name: str, *, twice: bool = True) -> bool:
        """Says whether a column must be texts, whatever its name, wide characters counted twice."""
        look = self._look(name)
        return look.as_text and (twice or look.length >= LEAST_TEXT)

    def is_label(self, name: str) -> bool:
        """Says whether a column must be classes, whatever its name."""
        return self._look(name).as_label and not self.is_split(name)

    def repeats(self, name: str) -> bool:
        """Says whether some value of a column without parts is there more than once."""
        look = self._look(name)
        return look.distinct < look.count and not self.is_split(name)

    def is_image(self, name: str) -> bool:
        """Says whether a column holds pictures, or paths of files that exist."""
        if name in self._table.pixels:
            return True
        cells = self._table.columns[name]
        return self._look(name).paths and _any_exists(cells, self._table.folder)

    def refuse_lost_pictures(self, names: Sequence[str]) -> None:
        """Refuses paths of pictures that all lead nowhere: they are no texts either.

        Raises:
            DataError: If one of the columns holds such paths.
        """
        for name in names:
            lost = self._lost_pictures(name)
            if lost:
                raise DataError(
                    f"column '{name}' of {self._table.name} holds paths of pictures, but there is "
                    f"no file '{lost[0].absolute()}', nor at any other of the first {len(lost)}",
                    expected="paths of files, seen from the folder of the table",
                )

    def _lost_pictures(self, name: str) -> list[Path]:
        """Returns the first paths of a column of paths of pictures of which none exists."""
        if name in self._table.pixels or not self._look(name).paths or self.is_image(name):
            return []
        return _first_paths(self._table.columns[name], self._table.folder)

    def is_split(self, name: str) -> bool:
        """Says whether all cells of a column are names of parts, but for rows of no use."""
        cells = self._table.columns.get(name, [])
        return bool(cells) and all(self._known_parts(cells))

    def _known_parts(self, cells: Sequence[str | None]) -> Iterator[bool]:
        """Yields whether each cell is the name of a part, or in a row that is left out anyhow."""
        for row, cell in enumerate(cells):
            yield _part_name(cell) in PART_NAMES or row in self._table.errors

    def check_parts(self, name: str | None) -> None:
        """Refuses a column with a cell that is the name of no part; None is no column.

        Raises:
            DataError: If there is one.
        """
        known = list(self._known_parts(self._table.columns[name])) if name is not None else []
        if name is not None and not all(known):
            hint = "no --split, and the rows are parted for you"
            raise no_part(self._table, name, row=known.index(False), hint=hint)

    def refuse_odd_parts(self, names: Sequence[str], *, then: str) -> None:
        """Refuses the first column of which most cells, empty ones aside, are names of parts.

        Args:
            names: Of columns that are called as columns of parts are; where one is whole there is
                no doubt.
            then: What comes of the rows where the column has another name.

        Raises:
            DataError: If there is one.
        """
        if any(map(self.is_split, names)):
            return
        for name in names:
            cells = self._table.columns[name]
            known = list(self._known_parts(cells))
            if sum(known) >= 0.5 * sum(bool(_part_name(cell)) for cell in cells):
                hint = f"renaming the column, and {then}"
                raise no_part(self._table, name, row=known.index(False), hint=hint)

    def reason(self, role: str, name: str) -> str:
        """Returns why a column was taken for a role by its content."""
        look = self._look(name)
        if role == "label":
            return f"it has only {look.distinct} different values"
        if role == "image":
            return "it holds pictures" if name in self._table.pixels else "its cells are files"
        if not look.as_text:
            return "it is the only column left"
        return f"its cells are long and differ (on average {look.length:.0f} characters)"

    def _look(self, name: str) -> Looks:
        return self._looks.get(name, self._nothing)


def no_part(table: Table, column: str, *, row: int, hint: str) -> DataError:
    """Returns the error for a cell in a column of parts that is the name of none."""
    return DataError(
        f"{table.origins[row]} has '{table.columns[column][row] or ''}' in column '{column}'",
        expected="train, val or test in a column of parts",
        hint=hint,
    )


def without_parts(table: Table, names: Sequence[str]) -> list[str]:
    """Returns why each of these columns, called as columns of parts are, is not used."""
    known = ("", *PART_NAMES)
    columns = table.columns
    odd = {n: next((c for c in columns[n] if _part_name(c) not in known), "") for n in names}
    why = "column '{}' is not used: '{}' is none of train, val, test"
    return [why.format(name, (cell or "")[:LONG_NAME]) for name, cell in odd.items()]


def of_files(name: str, role: str) -> DataError:
    """Returns what is wrong with a folder of files, or a file, for a role."""
    if role == "label":
        return DataError(
            f"{name} holds files of one kind, without classes",
            expected="a folder that holds a folder for each class",
            hint="the folder above it",
        )
    return DataError(
        f"{name} holds files of pictures where {role}s are wanted",
        expected=f"a table with a column of {role}s",
    )


def is_row(names: Sequence[str]) -> bool:
    """Says whether names of columns are rather the cells of a row without a header."""
    return any(len(name) > LONG_NAME or name.isdigit() for name in names)


def _part_name(cell: str | None) -> str:
    return (cell or "").strip().lower()


def _any_exists(cells: Sequence[str | None], folder: Path) -> bool:
    """Says whether one of the first paths exists, seen from a folder."""
    return any(exists(str(path)) for path in _first_paths(cells, folder))


def _first_paths(cells: Sequence[str | None], folder: Path) -> list[Path]:
    filled = (cell.strip() for cell in cells if cell and cell.strip())
    return [folder / cell for cell in islice(filled, 100) if len(cell) < LONG_PATH]


def is_number(cell: str) -> bool:
    """Says whether a cell is written as a plain number.

    >>> [is_number(cell) for cell in ("4", "-0.5", "1e9", "1_0", "")]
    [True, True, False, False, False]
    """
    digits = cell.removeprefix("-").replace(".", "", 1)
    return digits.isascii() and digits.isdigit()


def class_order(labels: Sequence[str]) -> tuple[str, ...]:
    """Returns the different labels, by number if all are numbers, else by name.

    >>> class_order(["10", "9", "9"]), class_order(["b", "10", "a"])
    (('9', '10'), ('10', 'a', 'b'))
    """
    different = sorted(set(labels))
    if all(map(is_number, different)):
        different.sort(key=float)
    return tuple(different)


def case_twins(classes: Sequence[str]) -> list[str]:
    """Returns one warning for each set of classes that differ only in case."""
    same: dict[str, list[str]] = defaultdict(list)
    for name in classes:
        same[name.casefold()].append(f"'{name}'")
    twins = [names for names in same.values() if len(names) > 1]
    return [f"classes {', '.join(names)} differ only in case and are kept apart" for names in twins]


def measured_classes(classes: Sequence[str]) -> list[str]:
    """Returns a warning where the classes look like the values of a measurement.

    >>> measured_classes([f"{rating / 10:.1f}" for rating in range(10, 51)])[0][:49]
    'the 41 classes are numbers, some of them with dec'
    """
    numbers = [name for name in classes if is_number(name)]
    decimals = any("." in name for name in numbers)
    if len(classes) <= MANY_NUMBERS or len(numbers) < len(classes) or not decimals:
        return []
    return [
        f"the {len(classes)} classes are numbers, some of them with decimals, as a measurement "
        "has them: each is a class that has nothing to do with its neighbours; put them into a "
        "few groups first"
    ]
