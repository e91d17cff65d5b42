"""Makes a data set in parts, or rows to predict, from whatever the user gave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from regraft.data.guess import Roles, guess_roles, refuse_odd_parts, used_columns
from regraft.data.looks import LONG_NAME, case_twins, measured_classes
from regraft.data.mapped.columns import taken
from regraft.data.mapped.digests import Numbered, numbered
from regraft.data.mapped.room import picked
from regraft.data.meaning import (
    Read,
    classes_of,
    given_parts,
    meaning_of,
    nan_labels,
    rows_of,
    unknown_labels,
)
from regraft.data.reading.frames import read_frame
from regraft.data.reading.sources import exists, is_named, looks_like_path, open_source
from regraft.data.reading.tables import Table, missing_path
from regraft.data.rows import PARTS, TOO_GOOD, Dataset, Modality, Part, Problem, Rows
from regraft.data.split import (
    TEST,
    TRAIN,
    VAL,
    Assignment,
    Parts,
    assign_parts,
    leak_warnings,
    leaked_rows,
    missing_classes,
    parted_groups,
    two_labelled,
)
from regraft.data.starters.wheels import Say, say_nothing
from regraft.errors import DataError, counted

Numbers = npt.NDArray[np.int64]
_NO_ROLES = Roles()
OF_FOLDERS = ("image", "file")
"""A role and its column where pictures lay in folders: no table has to have that."""


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
    read, warning = _without_unlabelled_test(meaning_of(table, found, parted=True))
    kept, problems = _usable(read)
    rows = rows_of(read, classes_of(read, kept))
    contents = numbered(picked(read.gathered.keys, kept))
    assignment = _assign(read, rows, (kept, contents))
    notes = (*table.notes, *reasons)
    return Dataset(
        name=table.name,
        parts=_take_parts(rows, kept, parts=assignment.parts),
        split_rule=assignment.rule,
        notes=notes,
        warnings=(
            *warning,
            *nan_labels(read.labels),
            *_bare_header(used_columns(found), rows.classes, name=table.name),
            *_warnings(rows, (kept, contents), assignment.parts),
        ),
        problems=problems,
        columns=used_columns(found),
        # The training rows': facts of other rows must choose nothing.
        pictures=read.gathered.facts(kept[assignment.parts == TRAIN]),
        leaked=leaked_rows(contents, assignment.parts),
        own_val=len(read.given) > 0 and bool((read.given[kept] == VAL).any()),
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
        DataError: If the source cannot be read, has no rows, or is of another modality, or the
            test rows are wanted and a column of parts has odd cells.
    """
    table = open_inputs(source, modality, say=reading.say)
    if len(table) == 0:
        raise DataError(f"{table.name} has no rows", expected="one row or more")
    found, _ = guess_roles(
        table, roles, need_label=False, modality=modality, learnt=reading.columns
    )
    if modality != ("image" if found.image else "text"):
        raise DataError(f"{table.name} holds no {modality}s", expected=f"{modality}s")
    bare = _bare_header(used_columns(found), classes, name=table.name)
    for warning in bare or _other_columns(table, roles, found=found, reading=reading):
        reading.say(f"warning: {warning}")
    if reading.only_test:
        used, then = used_columns(found), "all rows are scored"
        refuse_odd_parts(table, used, learnt=reading.columns, then=then)
        table, found = _test_rows(table, found, then=then, say=reading.say)
    read = meaning_of(table, found, parted=False)
    outside = (*unknown_labels(read, classes), *table.outside)
    return rows_of(read, tuple(classes)), replace(
        table, errors=read.gathered.errors, outside=outside, known=used_columns(found)
    )


def _other_columns(table: Table, asked: Roles, *, found: Roles, reading: Reading) -> list[str]:
    """Returns a warning for each column that was guessed, where the run learnt from another."""
    told = {**used_columns(asked), **table.known}
    learnt_from = {r: c for r, c in reading.columns.items() if (r, c) != OF_FOLDERS}
    wanted = ("text", "image", "label") if reading.only_test else ("text", "image")
    return [
        f"{table.name} has no column '{learnt}'; '{used_columns(found)[role]}' is read "
        f"(--{role} COLUMN reads another)"
        for role, learnt in learnt_from.items()
        if role in wanted and role in used_columns(found) and role not in told
        if learnt not in table.names
    ]


def _bare_header(columns: Mapping[str, str], classes: Sequence[str], *, name: str) -> list[str]:
    """Returns a warning where names of columns look like the cells of a row.

    Args:
        columns: Column by role.
        classes: Of the labels.
        name: Of the table.

    >>> _bare_header({"text": "what a film", "label": "good"}, ["bad", "good"], name="a")[0][:33]
    'the first line of a looks like a '
    >>> _bare_header({"text": "review", "label": "verdict"}, ["bad", "good"], name="a")
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


def _test_rows(table: Table, roles: Roles, *, then: str, say: Say) -> tuple[Table, Roles]:
    """Returns the test rows of a table with a split, else all rows and no split; says which."""
    rows = np.flatnonzero(given_parts(table, roles, then=then) == TEST)
    if len(rows):
        say(
            f"column '{roles.split}' parts the rows of {table.name}: the {len(rows):,} of part "
            f"test are scored, of {len(table):,}"
        )
        return table.keep(rows), roles
    if roles.split is not None:
        say(f"warning: {table.name} has no row of part test, so all {len(table):,} are scored")
    return table, replace(roles, split=None)


def open_inputs(source: object, modality: Modality, *, say: Say) -> Table:
    """Returns the table of a path or name, or of one text that is none.

    Args:
        source: As for `load_inputs`, which also takes the table.
        modality: What the network takes.
        say: Takes one line of progress.

    Raises:
        DataError: If the source cannot be read.
    """
    if not isinstance(source, str) or is_named(source) or exists(source):
        return open_source(source, say=say)
    if modality == "image" or looks_like_path(source):
        raise missing_path(source)
    return read_frame([source])


def _without_unlabelled_test(read: Read) -> tuple[Read, tuple[str, ...]]:
    """Returns the rows without a test part that has no label at all, and a warning."""
    rows = np.flatnonzero(read.given == TEST)
    if not len(rows) or (read.labels.numbers[rows] >= 0).any():
        return read, ()
    gone = dict.fromkeys(rows.tolist(), "")
    gathered = replace(read.gathered, errors=read.gathered.errors | gone)
    warning = (
        f"the test part has no labels: it is left out ({counted(len(rows), 'row')}), another is cut"
    )
    return replace(read, gathered=gathered), (warning,)


def _usable(read: Read) -> tuple[Numbers, tuple[Problem, ...]]:
    """Returns the rows that have an input and a label, and the reasons for the others."""
    errors = dict(read.gathered.errors)
    for row in np.flatnonzero(read.labels.numbers < 0).tolist():
        errors.setdefault(row, "the label is empty")
    usable = np.ones(len(read.table), bool)
    usable[list(errors)] = False
    origins = read.table.origins
    problems = [Problem(origins[row], errors[row]) for row in sorted(errors) if errors[row]]
    problems += read.table.outside
    if not usable.any():
        raise _no_rows(read.table, problems)
    return np.flatnonzero(usable), tuple(problems)


def _no_rows(table: Table, problems: Sequence[Problem] = ()) -> DataError:
    first = f"; the first problem: {problems[0].origin}: {problems[0].reason}" if problems else ""
    return DataError(
        f"{table.name} has no row that can be used{first}",
        expected="rows with an input and a label",
    )


def _assign(read: Read, rows: Rows, usable: tuple[Numbers, Numbered]) -> Assignment:
    kept, contents = usable
    return assign_parts(
        contents,
        picked(rows.labels, kept),
        groups=taken(rows.groups, kept) if rows.groups else (),
        given=read.given[kept] if len(read.given) else read.given,
    )


def _take_parts(rows: Rows, kept: Numbers, *, parts: Parts) -> dict[Part, Rows]:
    members = {part: np.flatnonzero(parts == place) for place, part in enumerate(PARTS)}
    return {part: rows.take(picked(kept, within)) for part, within in members.items()}


def _warnings(rows: Rows, usable: tuple[Numbers, Numbered], parts: Parts) -> list[str]:
    kept, contents = usable
    labels = picked(rows.labels, kept)
    warnings = leak_warnings(contents, parts)
    if rows.groups:
        warnings += [
            f"{counted(count, 'row')} of {judged} {'has' if count == 1 else 'have'} a group that "
            f"is also in {learnt}: {TOO_GOOD}"
            for (learnt, judged), count in parted_groups(taken(rows.groups, kept), parts).items()
        ]
    if count := two_labelled(contents, labels):
        occur = "occurs" if count == 1 else "occur"
        warnings.append(f"{counted(count, 'input')} {occur} with more than one label")
    return [
        *warnings,
        *case_twins(rows.classes),
        *measured_classes(rows.classes),
        *missing_classes(rows.classes, labels, parts=parts),
    ]
