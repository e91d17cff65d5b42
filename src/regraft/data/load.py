"""Makes a data set in parts, or rows to predict, from whatever the user gave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from regraft.data.guess import Roles, guess_roles, used_columns
from regraft.data.inputs import Inputs, gather
from regraft.data.looks import case_twins, class_order
from regraft.data.reading.folders import PART_NAMES
from regraft.data.reading.frames import read_frame
from regraft.data.reading.sources import HUB, STARTER, exists, looks_like_path, open_source
from regraft.data.reading.tables import Table, missing_path
from regraft.data.rows import UNLABELLED, Dataset, Modality, Part, Problem, Rows
from regraft.data.split import Assignment, assign_parts, missing_classes, straddling, two_labelled
from regraft.data.starters.wheels import Say, say_nothing
from regraft.errors import DataError, counted, nearest

PARTS: tuple[Part, ...] = ("train", "val", "test")
_NO_ROLES = Roles()


@dataclass(frozen=True)
class _Read:
    """A table with its meaning: N rows, in parallel lists.

    Args:
        labels: N names of classes, None where there is none.
        given: N parts as the data says, or empty.
    """

    table: Table
    roles: Roles
    gathered: Inputs
    labels: list[str | None]
    given: list[Part]


@dataclass(frozen=True)
class Reading:
    """How rows for a finished run are read.

    Args:
        columns: Column by role that the run was trained on, taken where the table has it.
        only_test: Whether only the test rows are wanted, where the data have a split.
        say: Takes one line of progress.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    only_test: bool = False
    say: Say = say_nothing


_USUAL = Reading()


def load(source: object, roles: Roles = _NO_ROLES, *, say: Say = say_nothing) -> Dataset:
    """Returns the rows of a source in parts, with what was understood on the way.

    Args:
        source: A path, `starter:NAME`, `hf:owner/name`, a data frame, or a pair of inputs
            and labels.
        roles: Columns that the user named; the others are guessed.
        say: Takes one line of progress.

    Raises:
        DataError: If the source cannot be read, a column is missing or doubtful, there are
            no rows or fewer than two classes, or a part has a class that train lacks.
    """
    table = open_source(source, say=say)
    if len(table) == 0:
        raise _no_rows(table)
    found, reasons = guess_roles(table, roles, need_label=True)
    read = _Read(
        table, found, gather(table, found), _labels(table, found), _given_parts(table, found)
    )
    read, warning = _without_unlabelled_test(read)
    kept, problems = _usable(read)
    classes = _classes(read, kept)
    rows = _rows(read, classes)
    assignment = _assign(read, rows, kept=kept)
    notes = (*table.notes, *reasons)
    return Dataset(
        name=table.name,
        parts=_take_parts(rows, kept, parts=assignment.parts),
        split_rule=assignment.rule,
        notes=notes,
        warnings=(*warning, *_warnings(read, rows, kept=kept, parts=assignment.parts)),
        problems=problems,
        columns=used_columns(found),
        pictures=read.gathered.facts(_learnt_from(kept, assignment.parts)),
    )


def load_inputs(
    source: object,
    modality: Modality,
    *,
    classes: Sequence[str],
    roles: Roles = _NO_ROLES,
    reading: Reading = _USUAL,
) -> tuple[Rows, Table]:
    """Returns every row to predict, in the order of the source, and the table they are from.

    Rows that cannot be used stay in place; `Table.errors` has their numbers and reasons. A
    label that is no class counts as none and is a problem of the table. `Table.known` has
    the column of each role that was found.

    Args:
        source: As for `load`; also N texts or paths, or one text that looks like no path.
        modality: What the network takes.
        classes: Names of the K classes, in the order of their numbers.
        roles: Columns that the user named; those of the run come next, the rest is guessed.
        reading: What is known of the run, and which rows are wanted.

    Raises:
        DataError: If the source cannot be read, has no rows, or is of another modality.
    """
    table = _open_inputs(source, modality, reading.say)
    if len(table) == 0:
        raise DataError(f"{table.name} has no rows", expected="one row or more")
    found, _ = guess_roles(
        table, roles, need_label=False, modality=modality, learnt=reading.columns
    )
    if modality != ("image" if found.image else "text"):
        raise DataError(f"{table.name} holds no {modality}s", expected=f"{modality}s")
    if reading.only_test:
        table, found = _test_rows(table, found, reading.say)
    gathered = gather(table, found)
    read = _Read(table, found, gathered, _labels(table, found), [])
    unknown = _unknown_labels(read, classes)
    outside = (*table.outside, *unknown)
    return _rows(read, tuple(classes)), replace(
        table, errors=gathered.errors, outside=outside, known=used_columns(found)
    )


def _test_rows(table: Table, roles: Roles, say: Say) -> tuple[Table, Roles]:
    """Returns the test rows of a table with a split, else all rows and no split; says which."""
    rows = [row for row, part in enumerate(_given_parts(table, roles)) if part == "test"]
    if rows:
        say(
            f"column '{roles.split}' parts the rows of {table.name}: the {len(rows):,} of part "
            f"test are scored, of {len(table):,}"
        )
        return table.keep(rows), roles
    if roles.split is not None:
        say(f"warning: {table.name} has no row of part test, so all {len(table):,} are scored")
    return table, replace(roles, split=None)


def _open_inputs(source: object, modality: Modality, say: Say) -> Table:
    """Returns the table of a path or name, or of one text that is none."""
    if not isinstance(source, str) or source.startswith((STARTER, HUB)) or exists(source):
        return open_source(source, say=say)
    if modality == "image" or looks_like_path(source):
        raise missing_path(Path(source))
    return read_frame([source])


def _labels(table: Table, roles: Roles) -> list[str | None]:
    if roles.label is None:
        return [None] * len(table)
    cells = table.columns.get(roles.label)
    if cells is None:
        raise DataError(f"column '{roles.label}' holds pictures, not labels")
    return [(cell or "").strip() or None for cell in cells]


def _given_parts(table: Table, roles: Roles) -> list[Part]:
    if roles.split is None:
        return []
    parts: list[Part] = []
    for row, cell in enumerate(table.columns.get(roles.split, [])):
        part = PART_NAMES.get((cell or "").strip().lower())
        if part is None:
            raise DataError(
                f"{table.origins[row]} has '{cell}' in column '{roles.split}'",
                expected="train, val or test",
            )
        parts.append(part)
    return parts


def _without_unlabelled_test(read: _Read) -> tuple[_Read, tuple[str, ...]]:
    """Returns the rows without a test part that has no label at all, and a warning."""
    rows = [row for row, part in enumerate(read.given) if part == "test"]
    if not rows or any(read.labels[row] for row in rows):
        return read, ()
    gone = {row: "" for row in rows}
    gathered = replace(read.gathered, errors=read.gathered.errors | gone)
    warning = (
        f"the test part has no labels: it is left out ({counted(len(rows), 'row')}), another is cut"
    )
    return replace(read, gathered=gathered), (warning,)


def _usable(read: _Read) -> tuple[list[int], tuple[Problem, ...]]:
    """Returns the rows that have an input and a label, and the reasons for the others."""
    errors = dict(read.gathered.errors)
    for row, label in enumerate(read.labels):
        if label is None:
            errors.setdefault(row, "the label is empty")
    kept = [row for row in range(len(read.table)) if row not in errors]
    origins = read.table.origins
    problems = [Problem(origins[row], errors[row]) for row in sorted(errors) if errors[row]]
    problems += read.table.outside
    if not kept:
        raise _no_rows(read.table, problems)
    return kept, tuple(problems)


def _no_rows(table: Table, problems: Sequence[Problem] = ()) -> DataError:
    first = f"; the first problem: {problems[0].origin}: {problems[0].reason}" if problems else ""
    return DataError(
        f"{table.name} has no row that can be used{first}",
        expected="rows with an input and a label",
    )


def _classes(read: _Read, kept: list[int]) -> tuple[str, ...]:
    learnt = [row for row in kept if not read.given or read.given[row] == "train"]
    classes = class_order([str(read.labels[row]) for row in learnt])
    if len(classes) < 2:
        only = f"only the class '{classes[0]}'" if classes else "no labelled row in train"
        raise DataError(f"{read.table.name} has {only}", expected="two classes or more")
    if len(classes) == len(learnt) and len(classes) > 2:
        raise DataError(
            f"column '{read.roles.label}' has another value in each of {len(learnt)} rows",
            expected="classes that several rows share",
            hint="another column (--label)",
        )
    known = set(classes)
    for row in kept:
        if read.labels[row] not in known:
            raise _unknown_class(read, row, classes=classes)
    return classes


def _unknown_class(read: _Read, row: int, *, classes: tuple[str, ...]) -> DataError:
    label, part = str(read.labels[row]), read.given[row]
    near = nearest(label, classes)
    return DataError(
        f"{read.table.origins[row]} in part {part} has class '{label}', which train lacks",
        expected=f"one of {len(classes)} classes of train",
        hint=f"'{near}'" if near else "",
    )


def _unknown_labels(read: _Read, classes: Sequence[str]) -> list[Problem]:
    known = set(classes)
    return [
        Problem(read.table.origins[row], f"label '{label}' is none of the classes")
        for row, label in enumerate(read.labels)
        if label is not None and label not in known
    ]


def _rows(read: _Read, classes: tuple[str, ...]) -> Rows:
    numbers = {name: number for number, name in enumerate(classes)}
    labels = [UNLABELLED if x is None else numbers.get(x, UNLABELLED) for x in read.labels]
    return Rows(
        modality=read.gathered.modality,
        inputs=read.gathered.inputs,
        classes=classes,
        labels=np.array(labels, dtype=np.int64),
        origins=read.table.origins,
        domains=_names(read.table, read.roles.domain),
        groups=_names(read.table, read.roles.group),
    )


def _names(table: Table, column: str | None) -> Sequence[str]:
    if column is None:
        return ()
    return [(cell or "").strip() for cell in table.columns[column]]


def _assign(read: _Read, rows: Rows, *, kept: list[int]) -> Assignment:
    return assign_parts(
        [read.gathered.keys[row] for row in kept],
        rows.labels[kept].tolist(),
        groups=[rows.groups[row] for row in kept] if rows.groups else (),
        given=[read.given[row] for row in kept] if read.given else (),
    )


def _take_parts(rows: Rows, kept: list[int], *, parts: list[Part]) -> dict[Part, Rows]:
    members: dict[Part, list[int]] = {part: [] for part in PARTS}
    for row, part in zip(kept, parts, strict=True):
        members[part].append(row)
    return {part: rows.take(np.array(members[part], dtype=np.int64)) for part in PARTS}


def _learnt_from(kept: list[int], parts: list[Part]) -> list[int]:
    """Returns the training rows: facts of other rows must choose nothing."""
    return [row for row, part in zip(kept, parts, strict=True) if part == "train"]


def _warnings(read: _Read, rows: Rows, *, kept: list[int], parts: list[Part]) -> list[str]:
    keys = [read.gathered.keys[row] for row in kept]
    labels = rows.labels[kept].tolist()
    warnings = [
        f"{counted(count, 'row')} of {judged} {'is' if count == 1 else 'are'} also in {learnt}: "
        "scores will look too good"
        for (learnt, judged), count in straddling(keys, parts).items()
    ]
    if count := two_labelled(keys, labels):
        occur = "occurs" if count == 1 else "occur"
        warnings.append(f"{counted(count, 'input')} {occur} with more than one label")
    return [
        *warnings,
        *case_twins(rows.classes),
        *missing_classes(rows.classes, labels, parts=parts),
    ]
