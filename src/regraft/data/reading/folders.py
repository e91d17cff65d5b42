"""Makes a table from a folder of class folders, of split folders or of tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa

from regraft.data.reading.cells import text_array, whole_cells
from regraft.data.reading.encodings import decode_text
from regraft.data.reading.origins import FileOrigins
from regraft.data.reading.pictures import PICTURE_SUFFIXES, folders_in, holds_pictures
from regraft.data.reading.tables import (
    OTHER_SUFFIXES,
    SPLIT,
    TABLE_SUFFIXES,
    Table,
    join_parts,
    missing_path,
    read_table,
)
from regraft.data.rows import PART_NAMES, Origin, Part, Problem
from regraft.errors import DataError

_LAYOUT = "ROOT/CLASS/FILE, ROOT/train/CLASS/FILE or ROOT/train.csv"

_OTHER_DATA = (*OTHER_SUFFIXES, ".txt", ".zip", ".tar", ".tgz")
"""Ends of files that may hold data and are not read beside tables; scripts and logs hold none."""


@dataclass(frozen=True)
class _Place:
    """Where a folder of data is, and how messages call it."""

    root: Path
    shown: str

    def enter(self, name: str) -> "_Place":
        return _Place(self.root / name, f"{self.shown}/{name}")

    def folders(self) -> list[str]:
        return [each.name for each in self._visible() if each.is_dir()]

    def files(self) -> list[str]:
        return [each.name for each in self._visible() if each.is_file()]

    def members(self) -> list[str]:
        """Returns names of files, and of links to what is gone: rows with that problem."""
        return [each.name for each in self._visible() if each.is_file() or _is_broken(each)]

    def problems(self, names: Sequence[str], reason: str) -> list[Problem]:
        return [Problem(Origin(f"{self.shown}/{name}"), reason) for name in names]

    def _visible(self) -> list[Path]:
        everything = sorted(self.root.iterdir(), key=lambda each: each.name)
        return [each for each in everything if not each.name.startswith((".", "__MACOSX"))]


def _is_broken(path: Path) -> bool:
    return path.is_symlink() and not path.exists()


@dataclass
class _Found:
    """Files found so far, each with its class, None where it has none, and its part."""

    files: list[str] = field(default_factory=list)
    labels: list[str | None] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_folder(root: str | Path, shown: str = "") -> Table:
    """Returns the rows of a folder, sorted by part, class and name of file.

    Understood: tables named by part (`train.csv`), split folders of class folders (those of
    the test part may lack the classes), class folders, one table alone, pictures or texts
    without classes; each also one folder further down, as archives have it. Hidden files are
    ignored.

    Raises:
        DataError: If the folder is missing, empty or laid out in another way.
    """
    root = Path(root)
    if not root.is_dir():
        raise missing_path(root)
    place = _descend(_Place(root, shown or str(root)))
    name = root.resolve().name
    tables = [each for each in place.files() if Path(each).suffix.lower() in TABLE_SUFFIXES]
    if tables:
        return replace(_read_tables(place, tables), name=name)
    return _as_table(_find_files(place), place, name=name)


def read_files(paths: Sequence[str]) -> Table:
    """Returns one row for each path, in their order; pictures or `.txt` files.

    Raises:
        DataError: If a path does not exist or is of another kind than the others.
    """
    for path in paths:
        if not Path(path).is_file():
            raise missing_path(Path(path))
    table = _as_table(_Found(files=list(paths)), _Place(Path(), ""), name="files")
    if table.outside:
        problem = table.outside[0]
        raise DataError(f"{problem.origin} cannot be read along with the rest: {problem.reason}")
    return table


def _descend(place: _Place) -> _Place:
    """Returns the only folder in a folder, where the classes or parts are inside that one."""
    folders = place.folders()
    if len(folders) != 1 or folders[0].lower() in PART_NAMES or _usable(place.files()):
        return place
    inner = place.enter(folders[0])
    wraps = inner.folders() or any(Path(f).suffix.lower() in TABLE_SUFFIXES for f in inner.files())
    return inner if wraps else place


def _usable(files: list[str]) -> bool:
    known = (*TABLE_SUFFIXES, *PICTURE_SUFFIXES)
    return any(Path(file).suffix.lower() in known for file in files)


def _read_tables(place: _Place, files: list[str]) -> Table:
    by_part: dict[Part, str] = {}
    for file in files:
        part = PART_NAMES.get(Path(file).stem.lower())
        if part in by_part:
            raise DataError(
                f"{place.shown} has both {by_part[part]} and {file}", hint="one of them"
            )
        if part:
            by_part[part] = file
    if "train" not in by_part and len(files) == 1:
        table = read_table(place.root / files[0], f"{place.shown}/{files[0]}")
        return replace(table, outside=(*table.outside, *_passed_over(place, table)))
    if "train" not in by_part:
        raise DataError(
            f"{place.shown} has {len(files)} tables: {', '.join(files)}",
            expected="train.csv, test.csv and perhaps val.csv, or one table",
        )
    read = {p: read_table(place.root / f, f"{place.shown}/{f}") for p, f in by_part.items()}
    order: tuple[Part, ...] = ("train", "val", "test")
    joined = join_parts({part: read[part] for part in order if part in read}, place.root.name)
    others = (*_no_parts(place, files), *_passed_over(place, joined))
    return replace(joined, outside=(*joined.outside, *others))


def _no_parts(place: _Place, files: list[str]) -> list[Problem]:
    """Returns a problem for each table that stands beside those of parts."""
    paths = [Path(file) for file in files if Path(file).stem.lower() not in PART_NAMES]
    reason = "a table that is no part, as val{0} or test{0} would be, and was not read"
    return [Problem(Origin(f"{place.shown}/{path}"), reason.format(path.suffix)) for path in paths]


def _passed_over(place: _Place, table: Table) -> list[Problem]:
    """Returns a problem for each folder and file that looks like data and is not in the table."""
    parts = {name for name in place.folders() if name.lower() in PART_NAMES}
    pictures = {name for name in place.folders() if holds_pictures(place.root / name)}
    # One folder of pictures may hold the plots of what is in the table; classes are several.
    data = sorted(parts | (pictures if len(pictures) > 1 else set()))
    named = folders_in(table.columns.values()) if data else set()
    reason = "a folder beside tables, which name no file in it, and was not read"
    unread = [name for name in data if name not in named]
    return [*place.problems(unread, reason), *_strange_parts(place)]


def _strange_parts(place: _Place) -> list[Problem]:
    """Returns a problem for each file of data that is called as a part and is not read there."""
    files = [file for file in place.files() if file.partition(".")[0].lower() in PART_NAMES]
    strange = [file for file in files if Path(file).suffix.lower() in _OTHER_DATA]
    return place.problems(strange, "called as a part, but of a kind that is not read there")


def _find_files(place: _Place) -> _Found:
    found, folders = _Found(), place.folders()
    parts = {name: PART_NAMES[name.lower()] for name in folders if name.lower() in PART_NAMES}
    if not folders:
        found.files = place.members()
    elif _are_parts(place, parts):
        _find_parts(place, parts, found=found)
    else:
        _find_classes(place, "", found=found)
    if folders:
        found.problems += _strange_parts(place)
    if not found.files:
        raise DataError(f"{place.shown} holds no rows", expected=_LAYOUT)
    return found


def _are_parts(place: _Place, parts: dict[str, Part]) -> bool:
    """Says whether the folders are parts: one that holds files, among others, is a class."""
    train = [place.enter(name) for name, part in parts.items() if part == "train"]
    if len(parts) > 1 or len(place.folders()) == 1:
        return bool(train)
    return any(each.folders() or not each.files() for each in train)


def _find_parts(place: _Place, parts: dict[str, Part], *, found: _Found) -> None:
    if len(set(parts.values())) < len(parts):
        raise DataError(f"{place.shown} has two folders for one part: {', '.join(parts)}")
    for part in ("train", "val", "test"):
        for name in [name for name, value in parts.items() if value == part]:
            inner = place.enter(name)
            if part == "test" and inner.files() and not inner.folders():
                # As competitions have it; the labels are to be predicted.
                found.files += [f"{name}/{file}" for file in inner.members()]
                found.labels += [None] * len(inner.members())
            else:
                _find_classes(inner, f"{name}/", found=found)
            found.parts += [part] * (len(found.files) - len(found.parts))
    others = [name for name in place.folders() if name not in parts]
    found.problems += place.problems(others, "a folder that is no part")


def _find_classes(place: _Place, prefix: str, *, found: _Found) -> None:
    loose = [file for file in place.files() if Path(file).suffix.lower() in PICTURE_SUFFIXES]
    found.problems += place.problems(loose, "a picture outside of the class folders")
    if not place.folders():
        raise DataError(f"{place.shown} holds no class folders", expected=_LAYOUT)
    for label in place.folders():
        _find_members(place.enter(label), f"{prefix}{label}/", label=label, found=found)


def _find_members(place: _Place, prefix: str, *, label: str, found: _Found) -> None:
    files, deeper = place.members(), place.folders()
    if deeper and not files:
        raise DataError(f"{place.shown} holds folders, not files", expected=_LAYOUT)
    found.problems += place.problems(deeper, "a folder inside a class folder")
    if not files:
        found.problems.append(Problem(Origin(place.shown), "a class folder without files"))
    found.files += [prefix + file for file in files]
    found.labels += [label] * len(files)


def _as_table(found: _Found, place: _Place, *, name: str) -> Table:
    """Returns the files of the kind that most of them are; the others become problems."""
    kinds = [_kind(file) for file in found.files]
    kind = "image" if kinds.count("image") >= kinds.count("text") else "text"
    kept = [row for row, each in enumerate(kinds) if each == kind]
    if not kept:
        raise DataError(f"{place.shown} holds neither pictures nor .txt files", expected=_LAYOUT)
    origins = FileOrigins(place.shown, found.files)
    others = [
        Problem(origins[row], f"not {_KINDS[kind]}") for row in set(range(len(kinds))) - {*kept}
    ]
    columns: dict[str, list[str | None]] = {"file": [found.files[row] for row in kept]}
    for column, values in (("label", found.labels), (SPLIT, found.parts)):
        if values:
            columns[column] = whole_cells([values[row] for row in kept])
    frame = pa.table({column: text_array(texts) for column, texts in columns.items()})
    table = Table(
        name=name,
        columns=columns,
        origins=FileOrigins(place.shown, [found.files[row] for row in kept]),
        frame=frame,
        folder=place.root,
        known={"image": "file"} | {role: role for role in ("label", SPLIT) if role in columns},
        notes=_layout_notes(columns),
        outside=(*found.problems, *others),
    )
    return table if kind == "image" else _with_texts(table)


_KINDS = {"image": "a picture", "text": "a .txt file"}


def _kind(file: str) -> str:
    suffix = Path(file).suffix.lower()
    if suffix in PICTURE_SUFFIXES:
        return "image"
    return "text" if suffix == ".txt" else ""


def _layout_notes(columns: dict[str, list[str | None]]) -> tuple[str, ...]:
    notes = {
        "label": "classes are the names of the folders that hold the files",
        SPLIT: "parts are the names of the folders that hold the class folders",
    }
    return tuple(note for column, note in notes.items() if column in columns)


def _with_texts(table: Table) -> Table:
    texts: list[str | None] = []
    errors: dict[int, str] = {}
    notes = list(table.notes)
    for row, file in enumerate(table.columns["file"]):
        text, more = _read_text(table, row, file=str(file), errors=errors)
        texts.append(text)
        notes.extend(more)
    known = {role: column for role, column in table.known.items() if role != "image"}
    columns = {**table.columns, "text": texts}
    return replace(
        table, columns=columns, known={**known, "text": "text"}, errors=errors, notes=_few(notes)
    )


def _read_text(
    table: Table, row: int, *, file: str, errors: dict[int, str]
) -> tuple[str | None, tuple[str, ...]]:
    try:
        return decode_text((table.folder / file).read_bytes(), str(table.origins[row]))
    except DataError as error:
        errors[row] = str(error)
    except FileNotFoundError:
        errors[row] = f"there is no file '{table.folder / file}'"
    return None, ()


def _few(notes: list[str], most: int = 10) -> tuple[str, ...]:
    more = len(notes) - most
    return (*notes[:most], f"{more} more notes of this kind") if more > 0 else tuple(notes)
