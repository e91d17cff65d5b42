"""Makes the target's rows, ready for the network, from whatever the user gave."""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from regraft.data.encode import Encoded, encode
from regraft.data.explain import script_of_rows, script_warning
from regraft.data.guess import refuse_odd_parts
from regraft.data.load import Reading, load_inputs
from regraft.data.reading.sources import open_source
from regraft.data.reading.tables import Table
from regraft.data.rows import PART_NAMES, UNLABELLED, Problem, Rows
from regraft.data.spec import TextSpec
from regraft.data.starters.wheels import Say
from regraft.errors import DataError, counted
from regraft.features.rowkeys import row_keys
from regraft.runs.adapting.classes import SHOWN, check_classes
from regraft.runs.fitting.prepare import Prepared

Labels = npt.NDArray[np.int64]
FEWEST = 10
"""Rows from which the statistics of a domain say something."""


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
        problems: Rows and files that were left out, with reasons.
        offered: Numbers of the rows that may be drawn to learn their labels, no two of them
            alike; none unless that was asked for.
        answers: Classes of those.
        learn: How many of them are drawn.
    """

    name: str
    rows: Rows
    encoded: Encoded
    used: Labels
    scored: Labels
    labels: Labels
    problems: tuple[Problem, ...] = ()
    offered: Labels = field(default_factory=lambda: np.zeros(0, np.int64))
    answers: Labels = field(default_factory=lambda: np.zeros(0, np.int64))
    learn: int = 0

    def without(self, lost: Labels, reason: str) -> "Target":
        """Returns the target without some of its rows, which become problems.

        Args:
            lost: Their numbers.
            reason: Why they cannot be used.

        Raises:
            DataError: If too few are left.
        """
        kept = np.delete(np.arange(len(self.rows)), lost)
        places = np.full(len(self.rows), -1)
        places[kept] = np.arange(len(kept))
        used, scored, offered = (places[n] for n in (self.used, self.scored, self.offered))
        _check_count(self.name, int((used >= 0).sum()))
        return replace(
            self,
            rows=self.rows.take(kept),
            encoded=self.encoded.take(kept),
            used=used[used >= 0],
            scored=scored[scored >= 0],
            labels=self.labels[scored >= 0],
            problems=(*self.problems, *(Problem(self.rows.origins[n], reason) for n in lost)),
            offered=offered[offered >= 0],
            answers=self.answers[offered >= 0],
        )


def read_target(
    source: object,
    prepared: Prepared,
    *,
    score: bool,
    say: Say,
    learn: int | None = None,
    whole: bool = False,
) -> Target:
    """Returns the target's rows; labels are dropped here, unless they are asked for.

    Where the data have a split, the test rows are scored and the others adapted to; else, or
    where all rows are test rows, all rows are both. Of labels that are in the data only their
    names are looked at (`check_classes`).

    Args:
        source: A path, a name or an object.
        prepared: Of the source.
        score: Whether labels are kept for scoring.
        say: Told one line at a time.
        learn: How many labelled rows are to be learnt from; None = none.
        whole: Whether all rows are both, whatever the data's split: nothing is adapted.

    Raises:
        DataError: If it cannot be read, has too few rows, other classes or only one, is of
            another modality, is the source itself, lacks labels that are asked for, or has none
            to score beside those that are learnt from.
    """
    dataset, opened = prepared.dataset, open_source(source, say=say)
    rows, table = load_inputs(
        opened,
        dataset.modality,
        classes=dataset.classes,
        reading=Reading(dataset.columns, say=say),
    )
    if not whole:
        then = "all rows are adapted to"
        refuse_odd_parts(table, table.known, learnt=dataset.columns, then=then)
    check_classes(table, dataset, say=say)
    fine = np.array([row for row in range(len(rows)) if row not in table.errors], np.int64)
    _check_count(table.name, len(fine))
    _check_script(rows, prepared, say)
    extent = int(prepared.chosen.extent.value)
    encoded = encode(rows.take(fine), prepared.backbone.spec, extent=extent)
    order = _by_content(encoded)
    _check_other(table.name, encoded, prepared, say)
    kept = fine[order]
    test = _is_test(table)[kept] & (not whole)
    if test.all():
        say(f"all rows of the target {table.name} are test rows: they are adapted to all the same")
        test = ~test
    used = np.flatnonzero(~test)
    _check_count(table.name, len(used), beside=" beside its test rows" if test.any() else "")
    known = rows.labels[kept]
    unlabelled = replace(rows.take(kept), labels=np.full(len(kept), UNLABELLED))
    problems, none = (*_problems(table), *opened.outside), used[:0]
    if problems:
        say(f"left out of the target: {len(problems):,}")
    target = Target(table.name, unlabelled, encoded.take(order), used, none, none, problems)
    if score:
        target = _to_score(target, test | ~test.any(), known)
    return _to_learn(target, known, learn) if learn else target


def _to_score(target: Target, candidates: npt.NDArray[np.bool_], known: Labels) -> Target:
    """Returns the target with the labels of the candidates that have one, to score with."""
    scored = np.flatnonzero(candidates & (known != UNLABELLED))
    if not len(scored):
        raise DataError(
            f"{target.name} has no row with a label to score",
            expected=f"labels such as {', '.join(target.rows.classes[:SHOWN])}",
            hint="no --score-target",
        )
    return replace(target, scored=scored, labels=known[scored])


def _to_learn(target: Target, known: Labels, count: int) -> Target:
    """Returns the target with the rows among which labelled ones are drawn, and their labels."""
    offered = _offered(target.used, target.encoded, known)
    if count > len(offered):
        there = len(offered)
        raise DataError(
            f"the target {target.name} has {counted(there, 'row')} with a label to learn from, "
            f"and {count:,} are asked for",
            expected=f"{there:,} at most" if there else "a target with some labels",
            hint=f"--target-labels {there}" if there else "no --target-labels",
        )
    target = replace(target, offered=offered, answers=known[offered], learn=count)
    if _all_learnt(target):
        raise none_left(target.name, count)
    return target


def _all_learnt(target: Target) -> bool:
    """Says whether no row is left to score, whichever of those offered are drawn."""
    if target.learn < len(target.offered) or not len(target.scored):
        return False
    keys = [key.tobytes() for key in row_keys(target.encoded)]
    learnt = {keys[row] for row in target.offered.tolist()}
    return all(keys[row] in learnt for row in target.scored.tolist())


def none_left(name: str, count: int) -> DataError:
    """Returns the error for labelled rows that are all learnt from, where some are scored.

    Args:
        name: Of the target.
        count: How many rows are learnt from.
    """
    return DataError(
        f"no labelled row of {name} is left to score beside those that are learnt from",
        expected="more labelled rows",
        hint=f"--target-labels {max(1, count // 2)}, or no --score-target",
    )


def _offered(used: Labels, encoded: Encoded, known: Labels) -> Labels:
    """Returns the rows that have a label, of equal ones the first."""
    keys = [key.tobytes() for key in row_keys(encoded)]
    labelled = [row for row in used.tolist() if known[row] != UNLABELLED]
    first = {keys[row]: row for row in reversed(labelled)}
    return np.array(sorted(first.values()), np.int64)


def _is_test(table: Table) -> npt.NDArray[np.bool_]:
    """Returns which rows the data call test rows; none where they have no split."""
    cells = table.columns.get(table.known.get("split", ""), [])
    parts = [PART_NAMES.get((cell or "").strip().lower()) for cell in cells]
    return np.array([part == "test" for part in parts] or [False] * len(table), bool)


def _by_content(encoded: Encoded) -> Labels:
    """Returns the order of the rows' keys: a folder lists its rows by label, and this does not."""
    keys = [key.tobytes() for key in row_keys(encoded)]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)


def _check_count(name: str, count: int, *, beside: str = "") -> None:
    if count < FEWEST:
        raise DataError(
            f"the target {name} has {counted(count, 'row')} that can be used{beside}",
            expected=f"{FEWEST} or more",
            hint="more rows of the target; they need no labels",
        )


def _check_script(rows: Rows, prepared: Prepared, say: Say) -> None:
    """Warns of a target in letters that the backbone never saw."""
    spec = prepared.backbone.spec
    if isinstance(spec, TextSpec) and spec.scripts:
        warning = script_warning(script_of_rows(rows), spec.scripts, whose="the target's texts")
        if warning:
            say(f"warning: {warning}")


def _check_other(name: str, encoded: Encoded, prepared: Prepared, say: Say) -> None:
    """Refuses a target all of whose rows are rows of the source, and warns of some."""
    known = {key.tobytes() for key in row_keys(prepared.encoded["train"])}
    known |= {key.tobytes() for key in row_keys(prepared.encoded["val"])}
    known |= {key.tobytes() for key in row_keys(_test_of(prepared))}
    shared = sum(key.tobytes() in known for key in row_keys(encoded))
    if shared == len(encoded):
        raise DataError(
            f"every row of the target {name} is also in the source",
            expected="rows from the place where the model will work",
            hint="regraft fit, where there is no other place",
        )
    if shared:
        say(f"warning: {counted(shared, 'row')} of the target {name} are also in the source")


def _test_of(prepared: Prepared) -> Encoded:
    extent = int(prepared.chosen.extent.value)
    return encode(prepared.dataset.parts["test"], prepared.backbone.spec, extent=extent)


def _problems(table: Table) -> tuple[Problem, ...]:
    return tuple(Problem(table.origins[row], why) for row, why in sorted(table.errors.items()))
