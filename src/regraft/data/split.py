"""Decides the part of each row from a hash of its content, by class, groups kept whole."""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regraft.data.mapped.digests import Numbered
from regraft.data.mapped.room import blocks
from regraft.data.parting.units import Units, units_of
from regraft.data.rows import PARTS, TOO_GOOD, UNLABELLED, Input, Part
from regraft.errors import DataError, counted

TEST_SHARE = 0.1
VAL_SHARE = 0.1
FEWEST_FOR_VAL = 200
"""Labelled rows, a given test part left out, below which folds replace a val part of ours."""
TRAIN, VAL, TEST = range(len(PARTS))
Numbers = npt.NDArray[np.int64]
Parts = npt.NDArray[np.int8]
"""(N,) places in `PARTS`."""
_NONE = np.zeros(0, np.int8)


@dataclass(frozen=True)
class Assignment:
    """The part of each of N rows, and the sentence that says how it came about."""

    parts: Parts
    rule: str


def content_key(value: Input) -> bytes:
    """Returns 16 bytes that are equal for rows that count as equal.

    Texts are compared after Unicode NFKC and with every run of white space as one blank,
    in their own case; images by their pixels, grey or not.
    """
    if isinstance(value, str):
        content = b"t" + fold(value).encode("utf-8", "surrogatepass")
    else:
        assert not isinstance(value, bytes), "pictures are compared by their pixels"
        grey = value.ndim == 3 and bool((value == value[:, :, :1]).all())
        pixels = np.ascontiguousarray(value[:, :, 0] if grey else value)
        content = b"i" + repr(pixels.shape).encode() + pixels.tobytes()
    return hashlib.sha256(content).digest()[:16]


def fold(text: str) -> str:
    """Returns a text after Unicode NFKC, with each run of white space as one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def assign_parts(
    found: Numbered,
    labels: Numbers,
    *,
    groups: Sequence[str] = (),
    given: Parts = _NONE,
) -> Assignment:
    """Returns the part of each row: a pure function of the rows as a set.

    A given split is used as it is; a part that it lacks is cut from train. Otherwise a
    tenth of each class is test and a tenth val. No val part is cut where under 200 rows have
    labels, those of a given test part not counted.

    Args:
        found: N rows by content.
        labels: (N,) numbers of classes.
        groups: N names that must not be parted, or empty; an empty name is no group.
        given: (N,) parts, or empty.

    Raises:
        DataError: If the given split has no train part, or no row could be put into test.
    """
    parts = given.copy() if len(given) else np.full(len(labels), TRAIN, np.int8)
    present = set(np.unique(given).tolist())
    if present and TRAIN not in present:
        raise DataError("the split in the data has no train part", expected="rows of train")
    pool = np.flatnonzero(parts == TRAIN)
    wanted = {TEST: TEST_SHARE, VAL: VAL_SHARE}
    shares = {part: share for part, share in wanted.items() if part not in present}
    units = units_of(found, labels, rows=pool, groups=groups)
    cut = _cut(units, shares)
    parts[pool] = cut[units.members]
    if not (parts == TEST).any():
        raise DataError(
            "the rows are too few or too alike to cut a test part from",
            expected="three different rows of a class, or groups, at the least",
            hint="a test part of your own (--split)",
        )
    folded = VAL in shares and _fold_small_val(parts, labels, given=given)
    names: list[Part] = [PARTS[part] for part in shares]
    return Assignment(parts, _rule(names, present, folded=folded, grouped=bool(groups)))


def straddling(found: Numbered, parts: Parts) -> dict[tuple[Part, Part], int]:
    """Returns, by (learnt from, judged by), how many rows of the second are in the first."""
    seen = np.zeros((len(PARTS), found.count), bool)
    seen[parts, found.numbers] = True
    counts = {
        (PARTS[first], PARTS[second]): int(seen[first][found.numbers[parts == second]].sum())
        for first, second in ((TRAIN, VAL), (TRAIN, TEST), (VAL, TEST))
    }
    return {pair: count for pair, count in counts.items() if count}


def leaked_rows(found: Numbered, parts: Parts) -> Numbers:
    """Returns places, among the test rows, of those whose content train or val has too."""
    seen = np.zeros(found.count, bool)
    seen[found.numbers[parts != TEST]] = True
    return np.flatnonzero(seen[found.numbers[parts == TEST]])


def parted_groups(groups: Sequence[str], parts: Parts) -> dict[tuple[Part, Part], int]:
    """Returns, by (learnt from, judged by), how many rows of the second share a group.

    Args:
        groups: N names; an empty one is no group.
        parts: (N,) parts.
    """
    named = [(group, part) for group, part in zip(groups, parts.tolist(), strict=True) if group]
    seen = {part: {group for group, where in named if where == part} for part in (TRAIN, VAL)}
    counts = {
        (PARTS[first], PARTS[second]): sum(
            where == second and group in seen[first] for group, where in named
        )
        for first, second in ((TRAIN, VAL), (TRAIN, TEST), (VAL, TEST))
    }
    return {pair: count for pair, count in counts.items() if count}


def two_labelled(found: Numbered, labels: Numbers) -> int:
    """Returns how many different contents occur with more than one label."""
    known = np.flatnonzero(labels != UNLABELLED)
    least = np.full(found.count, np.iinfo(np.int64).max)
    most = np.full(found.count, UNLABELLED)
    np.minimum.at(least, found.numbers[known], labels[known])
    np.maximum.at(most, found.numbers[known], labels[known])
    return int((least < most).sum())


def leak_warnings(found: Numbered, parts: Parts) -> list[str]:
    """Returns one warning for each two parts of which one judges contents of the other."""
    return [
        f"{counted(count, 'row')} of {judged} {'is' if count == 1 else 'are'} also in {learnt}: "
        f"{TOO_GOOD}"
        for (learnt, judged), count in straddling(found, parts).items()
    ]


def missing_classes(classes: Sequence[str], labels: Numbers, *, parts: Parts) -> list[str]:
    """Returns one warning for each part that lacks rows of some classes."""
    warnings = []
    for place, part in enumerate(PARTS):
        present = set(np.unique(labels[parts == place]).tolist())
        missing = [f"'{name}'" for number, name in enumerate(classes) if number not in present]
        if present and missing:
            listed = ", ".join(missing[:10]) + (" …" if len(missing) > 10 else "")
            lacking = counted(len(missing), "class", many="classes")
            warnings.append(f"part {part} has no row of {lacking}: {listed}")
    return warnings


def _cut(units: Units, shares: dict[int, float]) -> Parts:
    """Returns (V,) the part of each unit, class by class in order of hash."""
    moved = np.full(len(units.sizes), TRAIN, np.int8)
    by_class = np.argsort(units.labels, kind="stable")
    starts = np.flatnonzero(np.diff(units.labels[by_class]))
    for of_class in np.split(by_class, starts + 1):
        rest = of_class
        total = int(units.sizes[of_class].sum())
        for part, share in shares.items():
            taken = _take(units.sizes[rest], share * total, count=len(of_class))
            moved[rest[taken]] = part
            rest = np.delete(rest, taken)
    return moved


def _take(sizes: Numbers, target: float, *, count: int) -> list[int]:
    """Returns places of units of about `target` rows together; one at least where three are.

    A unit is taken if that brings the sum nearer to the target.
    """
    taken, size = list[int](), 0
    for block in blocks(len(sizes)):
        if size + 0.5 > target:  # not even a unit of one row is wanted
            break
        for place, rows in enumerate(sizes[block].tolist(), block.start):
            if size + rows / 2 <= target:
                taken.append(place)
                size += rows
    if taken or count < 3 or len(sizes) < 2:
        return taken
    return [int(sizes.argmin())]


def _fold_small_val(parts: Parts, labels: Numbers, *, given: Parts) -> bool:
    """Puts a val part that was cut into train, in place, where rows are few; says whether."""
    known = labels != UNLABELLED
    if len(given):
        known &= given != TEST
    if np.count_nonzero(known) >= FEWEST_FOR_VAL:
        return False
    parts[parts == VAL] = TRAIN
    return True


def _rule(cut: list[Part], given: set[int], *, folded: bool, grouped: bool) -> str:
    names = [part for part in cut if not (folded and part == "val")]
    if given:
        rule = "the split in the data"
        rule += f", {' and '.join(names)} cut from train by a hash of the content" if names else ""
    else:
        shares = "90/10" if folded else "80/10/10"
        rule = f"{shares} by a hash of the content, by class; equal rows are never parted"
        rule += ", nor are groups" if grouped else ""
    if not folded:
        return rule
    beside = " beside test" if TEST in given else ""
    return f"{rule}; no val part, as there are under {FEWEST_FOR_VAL} rows{beside}"
