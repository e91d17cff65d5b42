"""Makes one table of several labelled sources, each row with the source that it is from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pyarrow as pa

from regraft.data.guess import Roles, guess_roles, used_columns
from regraft.data.inputs import found_pictures
from regraft.data.meaning import label_of, true_names, usable_cells, whole_names
from regraft.data.parting.domains import joined_name
from regraft.data.reading.cells import text_array
from regraft.data.reading.tables import Picture, Table, join_tables, with_column
from regraft.data.rows import Modality
from regraft.errors import DataError

SOURCE = "source"
"""The column of the joined table that names each row's source."""
_JOINED = ("text", "image", "label", "split", "group")
SHOWN = 5


@dataclass(frozen=True)
class _Understood:
    """A source with the column of each role, and why."""

    table: Table
    columns: dict[str, str]
    reasons: tuple[str, ...]

    @property
    def modality(self) -> Modality:
        return "image" if "image" in self.columns else "text"

    @property
    def classes(self) -> set[str]:
        return classes_of(usable_cells(self.table, self.columns["label"]))


def join_sources(tables: Sequence[Table], roles: Roles) -> Table:
    """Returns the rows of all sources, in columns of one name for each role.

    Where some sources have a split and others have none, the rows of these train.

    Args:
        tables: Two or more sources.
        roles: Columns that the user named, which every source must have.

    Raises:
        DataError: If one has no rows or no labels, or they are of two modalities or have
            other classes.
    """
    named = dict(zip(distinct([table.name for table in tables]), tables, strict=True))
    found = {name: _understood(name, table, roles) for name, table in named.items()}
    modality = _one_modality(found)
    check_same_classes({name: each.classes for name, each in found.items()})
    names = _column_names(list(found.values()), roles)
    split = any("split" in each.columns for each in found.values())
    pieces = [
        with_column(_renamed(each, names, modality, split), names["domain"], cell=name)
        for name, each in found.items()
    ]
    joined = join_tables(pieces, joined_name(list(found)))
    used = {role: column for role, column in names.items() if column in joined.names}
    return replace(joined, known=used, notes=(*joined.notes, *_notes(found, split)))


def check_same_classes(classes: Mapping[str, set[str]]) -> None:
    """Refuses sources whose rows do not all have the same classes.

    Args:
        classes: Names of the classes, by source.

    Raises:
        DataError: If one lacks a class that another has.
    """
    every = set().union(*classes.values())
    for name, own in classes.items():
        if missing := sorted(every - own):
            listed = ", ".join(f"'{each}'" for each in missing[:SHOWN])
            raise DataError(
                f"the source {name} has no row of {listed}, which another source has",
                expected="the same classes in all sources",
                hint="the sources without these rows",
            )


def classes_of(cells: Sequence[str | None]) -> set[str]:
    """Returns the names of the classes in a column of labels."""
    return set(whole_names(true_names({label_of(cell) for cell in cells} - {""})))


def distinct(names: Sequence[str]) -> list[str]:
    """Returns names of which no two are equal, by a number behind those that were.

    >>> distinct(["data", "shop", "data"])
    ['data', 'shop', 'data-2']
    """
    seen: Counter[str] = Counter()
    found: list[str] = []
    for name in names:
        seen[name] += 1
        new = name if seen[name] == 1 else f"{name}-{seen[name]}"
        while new in found:
            new += "-2"
        found.append(new)
    return found


def _understood(name: str, table: Table, roles: Roles) -> _Understood:
    if not len(table):
        raise DataError(f"the source {name} has no rows", expected="rows with labels")
    found, reasons = guess_roles(table, roles, need_label=True)
    return _Understood(table, used_columns(found), reasons)


def _one_modality(found: Mapping[str, _Understood]) -> Modality:
    each = {name: source.modality for name, source in found.items()}
    (first, kind), *rest = each.items()
    for name, other in rest:
        if other != kind:
            raise DataError(
                f"the source {name} holds {other}s, and {first} holds {kind}s",
                expected="sources of one kind",
            )
    return kind


def _column_names(found: Sequence[_Understood], roles: Roles) -> dict[str, str]:
    """Returns a column's name by role: as typed, or as all sources call it, or the role's own."""
    asked = asdict(roles)
    names: dict[str, str] = {}
    for role in _JOINED:
        columns = {each.columns[role] for each in found if role in each.columns}
        if columns:
            names[role] = asked[role] or (columns.pop() if len(columns) == 1 else role)
    names["domain"] = SOURCE if SOURCE not in names.values() else f"{SOURCE} of rows"
    doubled = len(set(names.values())) < len(names)
    return {role: role for role in names} if doubled else names


def _renamed(
    source: _Understood, names: Mapping[str, str], modality: Modality, split: bool
) -> Table:
    """Returns a source's table with the columns that are joined alone, by their new names."""
    table, columns = source.table, source.columns
    texts = {
        names[role]: table.columns.get(columns[role]) or [None] * len(table)
        for role in _JOINED
        if role in columns and role != "image"
    }
    if split and "split" not in columns:
        texts[names["split"]] = ["train"] * len(table)
    pixels, refused = dict[str, Sequence[Picture]](), dict[int, str]()
    if modality == "image":  # Whole paths: those of another source are relative to another folder.
        pixels[names["image"]], refused = found_pictures(table, columns["image"])
    frame = pa.table({name: text_array(cells) for name, cells in texts.items()})
    errors = refused | dict(table.errors)
    made = replace(table, columns=texts, pixels=pixels, frame=frame, errors=errors)
    return replace(made, folder=Path(), known={})


def _notes(found: Mapping[str, _Understood], split: bool) -> list[str]:
    notes = [f"{name}: {reason}" for name, each in found.items() for reason in each.reasons]
    bare = [name for name, each in found.items() if "split" not in each.columns]
    if split and bare:
        notes.append(f"{', '.join(bare)}: no split, unlike other sources, so all rows train")
    return notes
