"""Decides the part of each row from a hash of its content, by class, groups kept whole."""

import hashlib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from regraft.data.rows import UNLABELLED, Input, Part
from regraft.errors import DataError, counted

TEST_SHARE = 0.1
VAL_SHARE = 0.1
FEWEST_FOR_VAL = 200
"""Labelled rows in train and val together, below which folds replace the val part."""
_PARTS: tuple[Part, ...] = ("train", "val", "test")
_SALT = b"regraft split 1"


@dataclass(frozen=True)
class Assignment:
    """The part of each of N rows, and the sentence that says how it came about."""

    parts: list[Part]
    rule: str


@dataclass(frozen=True)
class _Unit:
    """Rows that must stay together.

    Args:
        rank: Hash by which units are put in order.
        rows: Numbers of its rows.
        label: The class of most of its rows.
    """

    rank: bytes
    rows: list[int]
    label: int


def content_key(value: Input) -> bytes:
    """Returns 16 bytes that are equal for rows that count as equal.

    Texts are compared after Unicode NFKC and with every run of white space as one blank,
    in their own case; images by their pixels, grey or not.
    """
    if isinstance(value, str):
        content = b"t" + fold(value).encode("utf-8", "surrogatepass")
    else:
        grey = value.ndim == 3 and bool((value == value[:, :, :1]).all())
        pixels = np.ascontiguousarray(value[:, :, 0] if grey else value)
        content = b"i" + repr(pixels.shape).encode() + pixels.tobytes()
    return hashlib.sha256(content).digest()[:16]


def fold(text: str) -> str:
    """Returns a text after Unicode NFKC, with each run of white space as one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def assign_parts(
    keys: Sequence[bytes],
    labels: Sequence[int],
    *,
    groups: Sequence[str] = (),
    given: Sequence[Part] = (),
) -> Assignment:
    """Returns the part of each row: a pure function of the rows as a set.

    A given split is used as it is; a part that it lacks is cut from train. Otherwise a
    tenth of each class is test and a tenth val. Under 200 labelled rows beside the test
    part, val goes to train.

    Args:
        keys: N content keys.
        labels: N numbers of classes.
        groups: N names that must not be parted, or empty; an empty name is no group.
        given: N parts, or empty.

    Raises:
        DataError: If the given split has no train part, or no row could be put into test.
    """
    parts: list[Part] = list(given) or ["train"] * len(keys)
    present = set(given)
    if given and "train" not in present:
        raise DataError("the split in the data has no train part", expected="rows of train")
    pool = [row for row, part in enumerate(parts) if part == "train"]
    units = _units(pool, keys, labels=labels, groups=groups)
    wanted: dict[Part, float] = {"test": TEST_SHARE, "val": VAL_SHARE}
    shares = {part: share for part, share in wanted.items() if part not in present}
    for row, part in _cut(units, shares).items():
        parts[row] = part
    if "test" not in parts:
        raise DataError(
            "the rows are too few or too alike to cut a test part from",
            expected="three different rows of a class, or groups, at the least",
            hint="a test part of your own (--split)",
        )
    folded = _fold_small_val(parts, labels)
    return Assignment(
        parts, _rule(shares if given else {}, bool(given), folded=folded, grouped=bool(groups))
    )


def straddling(keys: Sequence[bytes], parts: Sequence[Part]) -> dict[tuple[Part, Part], int]:
    """Returns, by (learnt from, judged by), how many rows of the second are in the first."""
    seen: dict[Part, set[bytes]] = defaultdict(set)
    for key, part in zip(keys, parts, strict=True):
        seen[part].add(key)
    pairs: tuple[tuple[Part, Part], ...] = (("train", "val"), ("train", "test"), ("val", "test"))
    counts = {
        (first, second): sum(
            part == second and key in seen[first] for key, part in zip(keys, parts, strict=True)
        )
        for first, second in pairs
    }
    return {pair: count for pair, count in counts.items() if count}


def two_labelled(keys: Sequence[bytes], labels: Sequence[int]) -> int:
    """Returns how many different contents occur with more than one label."""
    first: dict[bytes, int] = {}
    twice = set()
    for key, label in zip(keys, labels, strict=True):
        if label != UNLABELLED and first.setdefault(key, label) != label:
            twice.add(key)
    return len(twice)


def missing_classes(
    classes: Sequence[str], labels: Sequence[int], *, parts: Sequence[Part]
) -> list[str]:
    """Returns one warning for each part that lacks rows of some classes."""
    warnings = []
    for part in _PARTS:
        present = {label for label, each in zip(labels, parts, strict=True) if each == part}
        missing = [f"'{name}'" for number, name in enumerate(classes) if number not in present]
        if present and missing:
            listed = ", ".join(missing[:10]) + (" …" if len(missing) > 10 else "")
            lacking = counted(len(missing), "class", many="classes")
            warnings.append(f"part {part} has no row of {lacking}: {listed}")
    return warnings


def _units(
    pool: list[int], keys: Sequence[bytes], *, labels: Sequence[int], groups: Sequence[str]
) -> list[_Unit]:
    """Returns the rows of the pool in units that must stay together."""
    names = [groups[row] for row in pool] if groups else ()
    members: dict[bytes, list[int]] = defaultdict(list)
    for row, key in zip(pool, unit_keys([keys[row] for row in pool], names), strict=True):
        members[key].append(row)
    return [_unit(key, rows, labels=labels) for key, rows in members.items()]


def unit_keys(keys: Sequence[bytes], groups: Sequence[str]) -> list[bytes]:
    """Returns the key of each row's unit: equal rows, rows of one group, and what these join.

    Args:
        keys: N content keys; the least one in a unit stands for it.
        groups: N names, or empty; an empty name is no group.
    """
    roots: dict[object, object] = {}
    for key, group in zip(keys, groups, strict=False):
        if group:
            _union(roots, key, second=group)
    tops = [_root(roots, key) for key in keys]
    least: dict[object, bytes] = {}
    for top, key in zip(tops, keys, strict=True):
        least[top] = min(key, least.get(top, key))
    return [least[top] for top in tops]


def _unit(key: bytes, rows: list[int], *, labels: Sequence[int]) -> _Unit:
    # Hashed again, or large units, whose least key is small, would come first.
    rank = hashlib.sha256(_SALT + key).digest()
    counts = Counter(labels[row] for row in rows)
    label = min(counts, key=lambda each: (-counts[each], each))
    return _Unit(rank, rows, label)


def _union(roots: dict[object, object], first: object, *, second: object) -> None:
    roots[_root(roots, first)] = _root(roots, second)


def _root(roots: dict[object, object], node: object) -> object:
    while (parent := roots.get(node, node)) != node:
        roots[node] = roots.get(parent, parent)
        node = parent
    return node


def _cut(units: list[_Unit], shares: dict[Part, float]) -> dict[int, Part]:
    """Returns the part of the rows that leave train, class by class in order of hash."""
    moved: dict[int, Part] = {}
    by_class: dict[int, list[_Unit]] = defaultdict(list)
    for unit in sorted(units, key=lambda each: each.rank):
        by_class[unit.label].append(unit)
    for of_class in by_class.values():
        rest = of_class
        total = sum(len(unit.rows) for unit in of_class)
        for part, share in shares.items():
            taken = _take(rest, share * total, count=len(of_class))
            moved |= {row: part for unit in taken for row in unit.rows}
            ranks = {unit.rank for unit in taken}
            rest = [unit for unit in rest if unit.rank not in ranks]
    return moved


def _take(units: list[_Unit], target: float, *, count: int) -> list[_Unit]:
    """Returns units of about `target` rows together; one at least where there are three.

    A unit is taken if that brings the sum nearer to the target.
    """
    taken, size = [], 0
    for unit in units:
        if size + len(unit.rows) / 2 <= target:
            taken.append(unit)
            size += len(unit.rows)
    if taken or count < 3 or len(units) < 2:
        return taken
    return [min(units, key=lambda unit: (len(unit.rows), unit.rank))]


def _fold_small_val(parts: list[Part], labels: Sequence[int]) -> bool:
    """Puts val into train, in place, where both are small; says whether that was done."""
    rows = [row for row, part in enumerate(parts) if part != "test" and labels[row] != UNLABELLED]
    if len(rows) >= FEWEST_FOR_VAL:
        return False
    parts[:] = ["train" if part == "val" else part for part in parts]
    return True


def _rule(cut: dict[Part, float], given: bool, *, folded: bool, grouped: bool) -> str:
    names = [part for part in cut if not (folded and part == "val")]
    if given:
        rule = "the split in the data"
        rule += f", {' and '.join(names)} cut from train by a hash of the content" if names else ""
    else:
        shares = "90/10" if folded else "80/10/10"
        rule = f"{shares} by a hash of the content, by class; equal rows are never parted"
        rule += ", nor are groups" if grouped else ""
    few = f"; no val part, as train has under {FEWEST_FOR_VAL} rows" if folded else ""
    return rule + few
