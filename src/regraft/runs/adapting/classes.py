"""Decides what the names of classes in a target mean: they are refused, warned of or fine."""

from regraft.data.meaning import label_of, numbers_of, true_names, usable_cells
from regraft.data.reading.tables import Table
from regraft.data.rows import UNLABELLED, Dataset
from regraft.data.starters.wheels import Say
from regraft.errors import DataError

SHOWN = 5
MOST_SHOWN = 20


def check_classes(table: Table, dataset: Dataset, *, say: Say) -> None:
    """Looks at the names of the classes in a target, and at no row's label.

    Classes that the source lacks would be moved onto some of its own. Names of which the
    source knows none are no classes where their column is called otherwise than the source's,
    or they are folders of years, days or numbers.

    Args:
        table: The target, with the column of each role.
        dataset: The source.
        say: Told what is not read, though it looks like labels, and which classes are not there.

    Raises:
        DataError: If the target has classes that the source lacks, or all its rows one class.
    """
    column = table.known.get("label", "")
    names = set(true_names({label_of(cell) for cell in usable_cells(table, column)} - {""}))
    numbers = dict(zip(names, numbers_of(names, dataset.classes), strict=True))
    strange = {name for name, number in numbers.items() if number == UNLABELLED}
    none_known = bool(names) and strange == names
    if none_known and _is_folder(table) and _no_classes(names, set(dataset.classes)):
        if len(names) > 1:  # a single folder of pictures: it is called somehow
            say(
                f"warning: no folder of the target {table.name} is called as a class of the source "
                f"is ({_listed(names)}): its rows are read as rows without labels"
            )
    elif none_known and column != dataset.columns.get("label"):
        say(
            f"warning: column '{column}' of the target {table.name} has none of the source's "
            "classes: it is not read"
        )
    elif strange:
        raise DataError(
            f"the target {table.name} has classes that the source lacks: {_listed(strange)}",
            expected=f"the classes {', '.join(dataset.classes[:MOST_SHOWN])}",
            hint=(
                "all files in one folder, where they have no labels"
                if _is_folder(table)
                else "the target without these rows, or without its column of labels"
            ),
        )
    elif len(set(numbers.values())) == 1:
        _check_others(table, column, min(names), say)
    elif names:
        _tell_missing(table, dataset, set(numbers.values()), say)


def _tell_missing(table: Table, dataset: Dataset, found: set[int], say: Say) -> None:
    """Warns of classes of the source that no label of the target names."""
    missing = {name for number, name in enumerate(dataset.classes) if number not in found}
    if missing:
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        say(
            f"warning: of the source's classes the labels of the target {table.name} lack "
            f"{_listed(missing)}{more}"
        )


def _check_others(table: Table, column: str, name: str, say: Say) -> None:
    """Refuses a target all of whose rows have one class, and warns where some have no label."""
    cells = enumerate(table.columns[column])
    if all(cell and cell.strip() for row, cell in cells if row not in table.errors):
        raise DataError(
            f"the target {table.name} has only the class '{name}'",
            expected="rows of two classes or more",
        )
    say(f"warning: all rows of the target {table.name} that have a label have the class '{name}'")


def _listed(names: set[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names)[:SHOWN])


def _no_classes(names: set[str], known: set[str]) -> bool:
    """Says whether folders are called as no class is: one alone, or years beside words."""
    years = not any(letter.isalpha() for name in names for letter in name)
    return len(names) == 1 or (years and any(letter.isalpha() for k in known for letter in k))


def _is_folder(table: Table) -> bool:
    """Says whether each row is a file of its own, whose folder was taken for its class."""
    return all(not origin.line for origin in table.origins[:1])
