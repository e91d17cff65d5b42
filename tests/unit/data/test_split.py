"""Tests the promises of the split: by content, by class, nothing that belongs together parted."""

import hashlib
import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regraft.data.mapped.digests import Numbered, digests_of, numbered
from regraft.data.rows import PARTS, UNLABELLED, Part
from regraft.data.split import (
    TEST_SHARE,
    VAL_SHARE,
    assign_parts,
    content_key,
    fold,
    leak_warnings,
    leaked_rows,
    missing_classes,
    parted_groups,
    straddling,
    two_labelled,
)
from regraft.errors import DataError

_KEYS = [content_key(f"text {n}") for n in range(1000)]
_LABELS = [n % 4 // 3 for n in range(1000)]


def _found(keys: Sequence[bytes]) -> Numbered:
    """Returns the rows by content; short keys are filled up with noughts."""
    return numbered(digests_of([key.ljust(16, b"\0") for key in keys], len(keys)))


def _places(parts: Sequence[Part]) -> npt.NDArray[np.int8]:
    return np.array([PARTS.index(part) for part in parts], np.int8)


def _split(
    keys: Sequence[bytes],
    labels: Sequence[int],
    groups: Sequence[str] = (),
    given_parts: Sequence[Part] = (),
) -> tuple[list[Part], str]:
    found = assign_parts(
        _found(keys), np.array(labels, np.int64), groups=groups, given=_places(given_parts)
    )
    return [PARTS[place] for place in found.parts], found.rule


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a  b\n c", " a b c "),
        ("\ufb01ne", "fine"),
        ("a\u00a0b", "a b"),
        ("e\u0301", "\u00e9"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER A}", "A"),
    ],
)
def test_white_space_and_forms_of_unicode_do_not_tell_texts_apart(one: str, other: str) -> None:
    assert content_key(one) == content_key(other)


def test_case_and_words_tell_texts_apart() -> None:
    assert len({content_key(text) for text in ("us", "US", "u s", "")}) == 4
    assert fold(" A\u00a0 b ") == "A b"


def test_images_are_compared_by_their_pixels() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert content_key(grey) == content_key(np.stack([grey] * 3, axis=2))
    assert content_key(grey) != content_key(grey.reshape(4, 3))
    assert content_key(grey) != content_key(grey + np.uint8(1))


def _given(*counts: tuple[Part, int]) -> list[Part]:
    return [part for part, count in counts for _ in range(count)]


def test_each_class_is_split_eighty_ten_ten() -> None:
    parts, _ = _split(_KEYS, _LABELS)
    for label, size in ((0, 750), (1, 250)):
        of_class = [part for part, each in zip(parts, _LABELS, strict=True) if each == label]
        assert of_class.count("test") == of_class.count("val") == size // 10


def test_the_part_of_a_row_does_not_depend_on_the_order_of_rows() -> None:
    parts, _ = _split(_KEYS, _LABELS)
    order = np.random.default_rng(3).permutation(len(_KEYS)).tolist()
    moved, _ = _split([_KEYS[i] for i in order], [_LABELS[i] for i in order])
    assert moved == [parts[i] for i in order]


_SMALL = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 2), st.integers(0, 40)), min_size=20, max_size=400
)


@settings(max_examples=40, deadline=None)
@given(_SMALL)
def test_equal_rows_and_rows_of_one_group_are_never_parted(
    rows: list[tuple[int, int, int]],
) -> None:
    keys = [content_key(str(key)) for key, _, _ in rows]
    groups = [str(group) if group < 30 else "" for _, _, group in rows]
    try:
        parts, _ = _split(keys, [label for _, label, _ in rows], groups)
    except DataError:
        return
    for names in (keys, groups):
        seen: dict[object, str] = {}
        for name, part in zip(names, parts, strict=True):
            assert not name or seen.setdefault(name, part) == part


def test_groups_change_who_stays_together() -> None:
    groups = [str(n // 50) for n in range(1000)]
    parts, _ = _split(_KEYS, _LABELS, groups)
    assert {len(set(parts[n : n + 50])) for n in range(0, 1000, 50)} == {1}
    assert set(parts) == {"train", "val", "test"}


def test_large_groups_do_not_come_before_single_rows() -> None:
    groups = [f"group {n // 30}" if n < 300 else "" for n in range(1000)]
    parts, _ = _split(_KEYS, [0] * 1000, groups)
    outside = {group for group, part in zip(groups, parts, strict=True) if part != "train"} - {""}
    assert 0 < len(outside) <= 4


def test_under_two_hundred_labelled_rows_there_is_no_val_part() -> None:
    parts, rule = _split(_KEYS[:199], [0] * 199)
    assert (parts.count("val"), parts.count("test")) == (0, 20)
    assert rule.endswith("no val part, as there are under 200 rows")
    assert _split(_KEYS[:200], [0] * 200)[0].count("val") == 20


def test_rows_of_a_given_test_part_do_not_count_where_a_val_part_is_to_be_cut() -> None:
    given_parts = _given(("train", 199), ("test", 300))
    parts, rule = _split(_KEYS[:499], [0] * 499, (), given_parts)
    assert parts == given_parts
    assert rule.endswith("no val part, as there are under 200 rows beside test")
    given_parts = _given(("train", 200), ("test", 300))
    assert _split(_KEYS[:500], [0] * 500, (), given_parts)[0].count("val") == 20


def test_a_given_val_part_of_few_rows_is_used_as_it_is() -> None:
    given_parts = _given(("train", 50), ("val", 20), ("test", 500))
    parts, rule = _split(_KEYS[:570], [0] * 570, (), given_parts)
    assert (parts, rule) == (given_parts, "the split in the data")
    parts, rule = _split(_KEYS[:70], [0] * 70, (), given_parts[:70])
    assert (parts[50:], parts.count("test")) == (["val"] * 20, 5)
    assert "no val part" not in rule


def test_a_given_split_is_used_as_it_is() -> None:
    three: list[Part] = ["train", "val", "test"]
    given_parts = list(itertools.islice(itertools.cycle(three), 1000))
    parts, rule = _split(_KEYS, _LABELS, (), given_parts)
    assert parts == given_parts
    assert rule == "the split in the data"


def test_a_missing_val_or_test_is_cut_from_train_alone() -> None:
    pairs: tuple[tuple[Part, Part], ...] = (("val", "test"), ("test", "val"))
    for missing, present in pairs:
        given_parts = _given(("train", 600), (present, 400))
        parts, rule = _split(_KEYS, _LABELS, (), given_parts)
        assert parts[600:] == [present] * 400
        assert parts.count(missing) == 60
        assert f"{missing} cut from train" in rule


def test_a_rare_class_is_in_test_if_it_has_three_different_rows() -> None:
    labels = [1] * 3 + [0] * 997
    parts, _ = _split(_KEYS, labels)
    assert sorted(parts[:3]) == ["test", "train", "val"]
    assert set(_split(_KEYS, [1] * 2 + [0] * 998)[0][:2]) == {"train"}


def test_rows_that_are_all_alike_cannot_be_split() -> None:
    with pytest.raises(DataError, match="too few or too alike"):
        _split([_KEYS[0]] * 500, [0] * 500)


def test_a_split_without_train_is_refused() -> None:
    with pytest.raises(DataError, match="no train part"):
        _split(_KEYS[:2], [0, 1], (), ["test", "val"])


def test_rows_that_are_in_two_parts_are_counted() -> None:
    keys = [b"a", b"b", b"a", b"a", b"b"]
    assert straddling(_found(keys), _places(["train", "val", "test", "test", "test"])) == {
        ("train", "test"): 2,
        ("val", "test"): 1,
    }


def test_test_rows_that_were_seen_are_found_and_told() -> None:
    found = _found([b"a", b"b", b"b", b"c", b"a"])
    parts = _places(["train", "val", "test", "test", "test"])
    assert leaked_rows(found, parts).tolist() == [0, 2]
    assert leak_warnings(found, parts) == [
        "1 row of test is also in train: scores will look too good",
        "1 row of test is also in val: scores will look too good",
    ]


def test_rows_of_each_two_parts_are_told() -> None:
    found, parts = _found([b"a", b"a", b"a"]), _places(["train", "val", "test"])
    assert leak_warnings(found, parts) == [
        "1 row of val is also in train: scores will look too good",
        "1 row of test is also in train: scores will look too good",
        "1 row of test is also in val: scores will look too good",
    ]


def test_rows_whose_group_is_in_two_parts_are_counted() -> None:
    parts = np.array([0, 0, 1, 2, 2, 2, 1], np.int8)
    groups = ["a", "b", "a", "b", "a", "c", ""]
    found = parted_groups(groups, parts)
    assert found == {("train", "val"): 1, ("train", "test"): 2, ("val", "test"): 1}
    assert parted_groups(["", "", "", "", "", "", ""], parts) == {}


def test_inputs_with_two_labels_are_counted_once() -> None:
    labels = np.array([0, 1, 2, 0, 1, UNLABELLED])
    assert two_labelled(_found([b"a", b"a", b"a", b"b", b"c", b"c"]), labels) == 1


def test_classes_missing_from_a_part_are_named() -> None:
    parts = _places(["train", "train", "val"])
    warnings = missing_classes(["x", "y"], np.array([0, 1, 0]), parts=parts)
    assert warnings == ["part val has no row of 1 class: 'y'"]


def _slow_split(keys: Sequence[bytes], labels: Sequence[int], groups: Sequence[str]) -> list[Part]:
    """Returns the parts by the rule as it reads, unit by unit, without numbers of contents."""
    units = _slow_units(keys, groups)
    parts: list[Part] = ["train"] * len(keys)
    rank = {rows[0]: hashlib.sha256(b"regraft split 1" + least).digest() for least, rows in units}
    by_class: dict[int, list[list[int]]] = defaultdict(list)
    for _, rows in sorted(units, key=lambda unit: rank[unit[1][0]]):
        counts = Counter(labels[row] for row in rows)
        by_class[min(counts, key=lambda each: (-counts[each], each))].append(rows)
    wanted: list[tuple[Part, float]] = [("test", TEST_SHARE), ("val", VAL_SHARE)]
    for rest in by_class.values():
        total, many = sum(map(len, rest)), len(rest) >= 3
        for part, share in wanted:
            size, taken = 0, list[list[int]]()
            for rows in rest:
                if size + len(rows) / 2 <= share * total:
                    taken.append(rows)
                    size += len(rows)
            if not taken and many and len(rest) > 1:
                taken = [min(rest, key=len)]
            for rows in taken:
                rest.remove(rows)
                for row in rows:
                    parts[row] = part
    return parts


def _slow_units(keys: Sequence[bytes], groups: Sequence[str]) -> list[tuple[bytes, list[int]]]:
    """Returns the least key and the rows of each unit, grown until nothing joins any more."""
    left, units = set(range(len(keys))), []
    while left:
        rows = {min(left)}
        while True:
            seen = {keys[row] for row in rows} | {groups[row] for row in rows if groups[row]}
            more = {row for row in left if keys[row] in seen or groups[row] in seen}
            if more == rows:
                break
            rows = more
        left -= rows
        units.append((min(keys[row] for row in rows), sorted(rows)))
    return units


@settings(max_examples=60, deadline=None)
@given(_SMALL)
def test_the_parts_are_those_of_the_rule_worked_slowly(rows: list[tuple[int, int, int]]) -> None:
    keys = [content_key(str(key)) for key, _, _ in rows]
    groups = [str(group) if group < 10 else "" for _, _, group in rows]
    labels = [label for _, label, _ in rows]
    slow = _slow_split(keys, labels, groups)
    if "test" not in slow:
        return
    if len(keys) < 200:
        slow = ["train" if part == "val" else part for part in slow]
    assert _split(keys, labels, groups)[0] == slow
