"""Decides what the cells of a column look like, and the order of classes, from a sample."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from regraft.data.reading.folders import PART_NAMES
from regraft.data.reading.pictures import PICTURE_SUFFIXES
from regraft.data.reading.tables import Table

_SAMPLE = 2000
_LONG_PATH = 1000
LONG_NAME = 40
"""Characters above which the name of a column is rather a cell."""
MANY_NUMBERS = 20
"""Classes that are numbers, above which decimals among them make them a measurement."""


@dataclass(frozen=True)
class Looks:
    """What a sample of the cells of one column looks like.

    Args:
        filled: Share of cells that are not empty, a fraction in [0, 1].
        length: Mean number of characters.
        distinct: Number of different cells.
        count: Number of cells that are not empty.
        numeric: Whether all cells are numbers.
        paths: Whether all cells end as pictures do.
    """

    filled: float
    length: float
    distinct: int
    count: int
    numeric: bool
    paths: bool

    @property
    def as_text(self) -> bool:
        """Says whether the cells are long and mostly different, as texts are."""
        return (
            self.count > 0
            and not (self.numeric or self.paths)
            and self.length >= 12
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
        distinct=len(set(filled)),
        count=len(filled),
        numeric=all(map(is_number, filled)),
        paths=bool(filled) and all(map(_is_picture_path, filled)),
    )


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

    def is_long_text(self, name: str) -> bool:
        """Says whether a column must be texts, whatever its name."""
        return self._look(name).as_text

    def is_label(self, name: str) -> bool:
        """Says whether a column must be classes, whatever its name."""
        return self._look(name).as_label

    def repeats(self, name: str) -> bool:
        """Says whether some value of a column is there more than once."""
        look = self._look(name)
        return look.distinct < look.count

    def is_image(self, name: str) -> bool:
        """Says whether a column holds pictures, or paths of files that exist."""
        if name in self._table.pixels:
            return True
        cells = self._table.columns[name]
        return self._look(name).paths and _any_exists(cells, self._table.folder)

    def lost_pictures(self, name: str) -> list[Path]:
        """Returns the first paths of a column of paths of pictures of which none exists."""
        if name in self._table.pixels or not self._look(name).paths or self.is_image(name):
            return []
        return _first_paths(self._table.columns[name], self._table.folder)

    def is_split(self, name: str) -> bool:
        """Says whether all cells of a column are names of parts."""
        cells = self._table.columns.get(name, [])
        return bool(cells) and all((cell or "").strip().lower() in PART_NAMES for cell in cells)

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


def _any_exists(cells: Sequence[str | None], folder: Path) -> bool:
    """Says whether one of the first paths exists, seen from a folder."""
    return any(path.is_file() for path in _first_paths(cells, folder))


def _first_paths(cells: Sequence[str | None], folder: Path) -> list[Path]:
    filled = (cell.strip() for cell in cells if cell and cell.strip())
    return [folder / cell for cell in islice(filled, 100) if len(cell) < _LONG_PATH]


def is_number(cell: str) -> bool:
    """Says whether a cell is written as a plain number.

    >>> [is_number(cell) for cell in ("4", "-0.5", "1e9", "1_0", "")]
    [True, True, False, False, False]
    """
    digits = cell.removeprefix("-").replace(".", "", 1)
    return digits.isascii() and digits.isdigit()


def _is_picture_path(cell: str) -> bool:
    return len(cell) < _LONG_PATH and cell.lower().endswith(PICTURE_SUFFIXES)


def class_order(labels: Sequence[str]) -> tuple[str, ...]:
    """Returns the different labels, by number if all are numbers, else by name.

    >>> class_order(["10", "9", "9"]), class_order(["b", "10", "a"])
    (('9', '10'), ('10', 'a', 'b'))
    """
    different = sorted(set(labels))
    if all(map(is_number, different)):
        different.sort(key=float)
    return tuple(different)


def bare_header(columns: Mapping[str, str], classes: Sequence[str], *, name: str) -> list[str]:
    """Returns a warning where names of columns look like the cells of a row.

    Args:
        columns: Column by role.
        classes: Of the labels.
        name: Of the table.

    >>> bare_header({"text": "what a film", "label": "good"}, ["bad", "good"], name="a")[0][:33]
    'the first line of a looks like a '
    >>> bare_header({"text": "review", "label": "verdict"}, ["bad", "good"], name="a")
    []
    """
    label, text = columns.get("label", ""), columns.get("text", "")
    if label in classes:
        why = f"'{label}' is the name of the column of labels and a label"
    elif len(text) > LONG_NAME:
        why = f"the column of texts is called '{text[:LONG_NAME]}…'"
    else:
        return []
    return [
        f"the first line of {name} looks like a row: {why}; if it is one, it is lost until a "
        "line with names of columns is put above it"
    ]


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
