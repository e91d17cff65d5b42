"""Makes the target's rows, ready for the network, from whatever the user gave."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from regraft.data.encode import Encoded, encode
from regraft.data.load import Reading, load_inputs
from regraft.data.reading.folders import PART_NAMES
from regraft.data.reading.sources import open_source
from regraft.data.reading.tables import Table
from regraft.data.rows import UNLABELLED, Problem, Rows
from regraft.errors import DataError, counted
from regraft.features.rowkeys import row_keys
from regraft.runs.fitting.prepare import Prepared, Say

Labels = npt.NDArray[np.int64]
FEWEST = 10
"""Rows from which the statistics of a domain say something."""
SHOWN = 5


@dataclass(frozen=True)
class Target:
    """Rows of the target, in an order that depends on their content alone.

    Args:
        name: Short name of the data.
        rows: L rows, none of which has a label.
        encoded: The same as the network is fed them.
        used: Numbers of the rows that are adapted to.
        scored: Numbers of the rows that are scored; none unless that was asked for.
        labels: Classes of those.
        problems: Rows that were left out, with reasons.
    """

    name: str
    rows: Rows
    encoded: Encoded
    used: Labels
    scored: Labels
    labels: Labels
    problems: tuple[Problem, ...] = ()


def read_target(source: object, prepared: Prepared, *, score: bool, say: Say) -> Target:
    """Returns the target's rows; their labels are dropped here, unless they are to be scored.

    Where the data have a split, the test rows are scored and the others adapted to; else all
    rows are both. Of labels that are in the data only their names are looked at: classes
    that the source lacks would be moved onto some of its own.

    Args:
        source: A path, a name or an object.
        prepared: Of the source.
        score: Whether labels are kept for scoring.
        say: Told one line at a time.

    Raises:
        DataError: If it cannot be read, has too few rows, other classes or only one, is of
            another modality, is the source itself, or has no labels that are to be scored.
    """
    dataset = prepared.dataset
    rows, table = load_inputs(
        open_source(source, say=say),
        dataset.modality,
        classes=dataset.classes,
        reading=Reading(dataset.columns, say=say),
    )
    _check_classes(table, prepared)
    fine = np.array([row for row in range(len(rows)) if row not in table.errors], np.int64)
    _check_count(table, fine)
    extent = int(prepared.chosen.extent.value)
    encoded = encode(rows.take(fine), prepared.backbone.spec, extent=extent)
    order = _by_content(encoded)
    _check_other(table.name, encoded, prepared)
    kept = fine[order]
    test = _is_test(table)[kept]
    used = np.flatnonzero(~test) if test.any() else np.arange(len(kept))
    _check_count(table, used)
    known = rows.labels[kept]
    scored = np.flatnonzero((test | ~test.any()) & (known != UNLABELLED)) if score else used[:0]
    if score and not len(scored):
        raise DataError(
            f"{table.name} has no row with a label to score",
            expected=f"labels such as {', '.join(dataset.classes[:SHOWN])}",
            hint="no --score-target",
        )
    problems = _problems(table)
    if problems:
        say(f"{counted(len(problems), 'row')} of the target left out, as in problems.csv")
    unlabelled = replace(rows.take(kept), labels=np.full(len(kept), UNLABELLED))
    return Target(
        table.name, unlabelled, encoded.take(order), used, scored, known[scored], problems
    )


def _is_test(table: Table) -> npt.NDArray[np.bool_]:
    """Returns which rows the data call test rows; none where they have no split."""
    cells = table.columns.get(table.known.get("split", ""), [])
    parts = [PART_NAMES.get((cell or "").strip().lower()) for cell in cells]
    return np.array([part == "test" for part in parts] or [False] * len(table), bool)


def _by_content(encoded: Encoded) -> Labels:
    """Returns the order of the rows' keys: a folder lists its rows by label, and this does not."""
    keys = [key.tobytes() for key in row_keys(encoded)]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)


def _check_count(table: Table, rows: Sequence[int] | Labels) -> None:
    if len(rows) < FEWEST:
        raise DataError(
            f"the target {table.name} has {counted(len(rows), 'row')} that can be used",
            expected=f"{FEWEST} or more",
            hint="more rows of the target; they need no labels",
        )


def _check_classes(table: Table, prepared: Prepared) -> None:
    """Refuses labels that are in the target and no classes of the source."""
    column = table.known.get("label", "")
    if column != prepared.dataset.columns.get("label"):
        return
    names = {cell.strip() for cell in table.columns.get(column, []) if cell and cell.strip()}
    known = set(prepared.dataset.classes)
    if not names or (len(names) == 1 and not names & known):
        return  # a single folder of pictures, say: its name is no class
    if names - known:
        listed = ", ".join(f"'{name}'" for name in sorted(names - known)[:SHOWN])
        raise DataError(
            f"the target {table.name} has classes that the source lacks: {listed}",
            expected=f"the classes {', '.join(prepared.dataset.classes[:20])}",
            hint="the target without these rows, or without its column of labels",
        )
    if len(names) == 1:
        raise DataError(
            f"the target {table.name} has only the class '{names.pop()}'",
            expected="rows of two classes or more",
        )


def _check_other(name: str, encoded: Encoded, prepared: Prepared) -> None:
    """Refuses a target all of whose rows are training rows of the source."""
    known = {key.tobytes() for key in row_keys(prepared.encoded["train"])}
    known |= {key.tobytes() for key in row_keys(prepared.encoded["val"])}
    known |= {key.tobytes() for key in row_keys(_test_of(prepared))}
    if all(key.tobytes() in known for key in row_keys(encoded)):
        raise DataError(
            f"every row of the target {name} is also in the source",
            expected="rows from the place where the model will work",
            hint="regraft fit, where there is no other place",
        )


def _test_of(prepared: Prepared) -> Encoded:
    extent = int(prepared.chosen.extent.value)
    return encode(prepared.dataset.parts["test"], prepared.backbone.spec, extent=extent)


def _problems(table: Table) -> tuple[Problem, ...]:
    return tuple(Problem(table.origins[row], why) for row, why in sorted(table.errors.items()))
